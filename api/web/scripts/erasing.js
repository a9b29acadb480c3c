// Deleting a video with everything that was made of it, once somebody has said yes.

import { announce } from "./dom.js";
import { confirmed } from "./dialog.js";
import { nameOf } from "./formats.js";
import { live } from "./live.js";
import { ask } from "./server.js";
import { text } from "./text.js";

/** Ask, then delete; resolves with whether it was deleted. */
export async function erase(upload) {
  const name = nameOf(upload);
  if (!(await confirmed(text.erasing.heading, text.erasing.question(name), text.erasing.erase))) return false;
  await ask("DELETE", `/v1/uploads/${upload.id}`);
  live.forget(upload.id);
  announce(text.erasing.erased(name));
  return true;
}
