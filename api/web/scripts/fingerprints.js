// Which file belongs to which unfinished upload: kept in the browser, so that a closed page can go on when the file is chosen again.

const prefix = (accountId) => `valence.uploads.${accountId}`;

/** The unfinished uploads that this browser has begun, by id: `{name, bytes, modified}`. */
export function remembered(accountId) {
  return JSON.parse(localStorage.getItem(prefix(accountId)) ?? "{}");
}

/** Remember an upload's file. */
export function remember(accountId, uploadId, file) {
  const all = remembered(accountId);
  all[uploadId] = { name: file.name, bytes: file.size, modified: file.lastModified };
  localStorage.setItem(prefix(accountId), JSON.stringify(all));
}

/** Forget an upload that is complete or given up. */
export function forget(accountId, uploadId) {
  const { [uploadId]: _, ...others } = remembered(accountId);
  localStorage.setItem(prefix(accountId), JSON.stringify(others));
}

/** Whether a file is the one that was remembered, as far as its name, size and time of change tell. */
export const sameFile = (known, file) => known.name === file.name && known.bytes === file.size && known.modified === file.lastModified;
