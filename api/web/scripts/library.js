// The library: where videos are dropped, watched on their way, and kept.

import { announce, fill, h } from "./dom.js";
import { dropZone } from "./drop_zone.js";
import { counted } from "./formats.js";
import { libraryRow } from "./library_row.js";
import { ENDED, live } from "./live.js";
import { standing } from "./pipeline.js";
import { queue } from "./queue.js";
import { current, entitle } from "./router.js";
import { pageOf } from "./server.js";
import { text } from "./text.js";
import { uploadCard } from "./upload_card.js";

/** How many videos are asked for at a time. */
const PAGE = 20;

/** Fill the main element with the library. */
export async function libraryView(main) {
  const here = current();
  entitle(text.titles.library);
  const first = await pageOf("/v1/uploads", { limit: PAGE });
  if (here !== current()) return null; // somebody has gone on meanwhile
  const view = new LibraryView(main);
  view.show(first);
  return () => view.leave();
}

class LibraryView {
  #cards = new Map();
  #rows = new Map();
  #shown = new Set();
  #cursor = null;

  constructor(main) {
    const complain = (error) => this.#complain(error);
    this.complaint = h("p", { class: "notice", "data-kind": "wrong", role: "alert", hidden: true });
    this.zone = dropZone(complain);
    this.moving = h("ul", { class: "cards" });
    this.movingSection = h("section", { "aria-labelledby": "on-the-way" }, h("h2", { id: "on-the-way" }, text.uploads.heading), this.moving);
    this.kept = h("ul", { class: "rows" });
    this.count = h("p", { class: "small quiet" });
    this.more = h("button", { class: "button", onclick: () => this.#more().catch(complain) }, text.library.more);
    this.keptSection = h(
      "section",
      { "aria-labelledby": "kept" },
      h("div", { class: "section-head" }, h("h2", { id: "kept" }, text.library.heading), this.count),
      this.kept,
      this.more,
    );
    main.classList.add("library");
    fill(main, h("h1", { class: "visually-hidden" }, text.titles.library), this.complaint, this.zone.element, this.movingSection, this.keptSection);
    this.ends = [live.onChange((upload, before) => this.#changed(upload, before))];
    this.refresh = () => this.#refresh();
    queue.addEventListener("change", this.refresh);
  }

  leave() {
    this.ends.forEach((end) => end());
    queue.removeEventListener("change", this.refresh);
  }

  show(page) {
    this.#cursor = page.next_cursor;
    for (const upload of page.data) {
      this.#shown.add(upload.id);
      live.learn(upload);
    }
    this.#refresh();
  }

  async #more() {
    this.show(await pageOf("/v1/uploads", { limit: PAGE, after: this.#cursor }));
  }

  #complain(error) {
    this.complaint.textContent = error.message;
    this.complaint.hidden = false;
  }

  #changed(upload, before) {
    if (before && before.status !== upload.status) announce(text.pipeline.said(upload.filename ?? text.library.unnamed, standing(upload)));
    this.#shown.add(upload.id);
    this.#refresh();
  }

  #refresh() {
    const uploads = live.all().filter((upload) => this.#shown.has(upload.id));
    uploads.sort((one, other) => (one.created_at < other.created_at ? 1 : -1));
    const [ended, moving] = [uploads.filter((upload) => ENDED.has(upload.status)), uploads.filter((upload) => !ENDED.has(upload.status))];
    const interrupted = new Set(queue.interrupted.map((upload) => upload.id));
    const sendings = new Map(queue.sendings.map((sending) => [sending.upload.id, sending]));
    arrange(this.moving, moving, this.#cards, (upload) => uploadCard(upload, (error) => this.#complain(error)));
    for (const upload of moving) this.#cards.get(upload.id).update(upload, sendings.get(upload.id), interrupted.has(upload.id));
    arrange(this.kept, ended, this.#rows, (upload) => libraryRow(upload, (error) => this.#complain(error), () => this.#refresh()));
    for (const upload of ended) this.#rows.get(upload.id).update(upload);
    this.movingSection.hidden = !moving.length;
    this.keptSection.hidden = !ended.length;
    this.more.hidden = !this.#cursor;
    this.count.textContent = this.#cursor ? "" : counted(ended.length, text.library.count);
    this.zone.resize(!uploads.length);
  }
}

/** Bring a list into order with the elements it has: those that stay are not made anew, so nothing loses its focus. */
function arrange(list, uploads, made, make) {
  const wanted = new Set(uploads.map((upload) => upload.id));
  for (const [id, one] of made) {
    if (wanted.has(id)) continue;
    one.element.remove();
    made.delete(id);
  }
  uploads.forEach((upload, position) => {
    if (!made.has(upload.id)) made.set(upload.id, make(upload));
    const { element } = made.get(upload.id);
    if (list.children[position] !== element) list.insertBefore(element, list.children[position] ?? null);
  });
}
