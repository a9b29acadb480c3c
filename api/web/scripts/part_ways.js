// The two ways of a part: through the API, or straight to S3 at an address that the API has signed. Where it arrives its bytes are checked.

import { md5 } from "./md5.js";
import { OWN, Problem, ask, passes } from "./server.js";
import { text } from "./text.js";

/** S3 refuses a part for good, or cannot be reached from this browser: `status` is 0 then. */
export class StorageProblem extends Problem {}

/** Whether the operator wants parts to go straight to S3, which must allow it to this page. */
export const straightIsWanted = () => document.body.dataset.parts === "straight";

/** A part, its bytes in `part`, on its way through the API: `{address, headers, refusal(request)}`. */
export async function throughTheApi(upload, number, part) {
  const digest = new Uint8Array(await crypto.subtle.digest("SHA-256", part));
  return {
    address: `/v1/uploads/${upload.id}/parts/${number}`,
    headers: { ...OWN, "Content-Type": "application/octet-stream", "Content-Digest": `sha-256=:${base64(digest)}:` },
    refusal,
  };
}

/** The same straight to S3, at a new address each time: those that were not used soon are void. */
export async function straightToStorage(upload, number, part) {
  const { urls: [place] } = await ask("POST", `/v1/uploads/${upload.id}/part-urls`, { numbers: [number] });
  return {
    address: place.url,
    headers: { "Content-MD5": base64(md5(part)) },
    refusal: ({ status }) => new (passes(status) ? Problem : StorageProblem)(status, { detail: text.uploads.storageTrouble(status) }),
  };
}

function refusal(request) {
  if (!request.status) return new Problem(0, { detail: text.problems.unreachable });
  const isProblem = (request.getResponseHeader("content-type") ?? "").includes("json");
  return new Problem(request.status, isProblem ? JSON.parse(request.responseText) : {}, Number(request.getResponseHeader("retry-after")) || null);
}

const base64 = (bytes) => btoa(String.fromCharCode(...bytes));
