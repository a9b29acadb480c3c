// The library: where videos are dropped, watched on their way, and kept.

import { announce, fill, h } from "./dom.js";
import { downloadMenu } from "./downloads.js";
import { dropZone } from "./drop_zone.js";
import { counted, nameOf } from "./formats.js";
import { libraryFilters } from "./library_filters.js";
import { libraryRow } from "./library_row.js";
import { ENDED, live } from "./live.js";
import { standing } from "./pipeline.js";
import { queue } from "./queue.js";
import { current, entitle, note, noted } from "./router.js";
import { ask } from "./server.js";
import { text } from "./text.js";
import { uploadCard } from "./upload_card.js";

/** How many videos are asked for at a time, and the most that the server gives. */
const PAGE = 20;
const LARGEST_PAGE = 100;

/** Fill the main element with the library. */
export async function libraryView(main) {
  const here = current();
  entitle(text.titles.library);
  let view = null;
  const filters = libraryFilters(() => view?.search());
  const first = await asLeft(filters, noted().listed ?? PAGE);
  if (here !== current()) return null; // somebody has gone on meanwhile
  view = new LibraryView(main, filters);
  view.show(first);
  return () => view.leave();
}

/** As many as were listed when somebody went away from here. */
async function asLeft(filters, count) {
  const found = { data: [], next_cursor: null };
  do {
    const page = await pageOf(filters.parameters(), found.next_cursor, Math.min(LARGEST_PAGE, count - found.data.length));
    found.data.push(...page.data);
    found.next_cursor = page.next_cursor;
  } while (found.next_cursor && found.data.length < count);
  return found;
}

/** A page; the server may need more than one request to find the first that it shows. */
async function pageOf(parameters, after = null, limit = PAGE) {
  parameters.set("limit", limit);
  if (after) parameters.set("after", after);
  const page = await ask("GET", `/v1/uploads?${parameters}`);
  return page.data.length || !page.next_cursor ? page : pageOf(parameters, page.next_cursor, limit);
}

class LibraryView {
  #cards = new Map();
  #rows = new Map();
  /** What is listed, with what is found in it: null for what has come since. */
  #found = new Map();
  #cursor = null;
  #searches = 0;

  constructor(main, filters) {
    const complain = (error) => this.#complain(error);
    this.complaint = h("p", { class: "notice", "data-kind": "wrong", role: "alert", hidden: true });
    this.zone = dropZone(complain);
    this.moving = h("ul", { class: "cards" });
    this.movingSection = h("section", { "aria-labelledby": "on-the-way" }, h("h2", { id: "on-the-way" }, text.uploads.heading), this.moving);
    this.filters = filters;
    this.kept = h("ul", { class: "rows" });
    this.count = h("p", { class: "small quiet" });
    this.heading = h("h2", { id: "kept" });
    this.downloads = h("div");
    this.tips = h("p", { class: "quiet" });
    this.none = h("div", { class: "none form", hidden: true }, h("h3", {}, text.filters.none), this.tips, h("button", { class: "button", onclick: () => filters.clear() }, text.filters.clear));
    this.more = h("button", { class: "button", onclick: () => this.#more().catch(complain) }, text.library.more);
    this.keptSection = h(
      "section",
      { "aria-labelledby": "kept" },
      h("div", { class: "section-head" }, this.heading, this.count, this.downloads),
      filters.element,
      this.none,
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
    this.filters.leave();
    this.zone.leave();
    this.ends.forEach((end) => end());
    queue.removeEventListener("change", this.refresh);
  }

  show(page) {
    this.#cursor = page.next_cursor;
    for (const upload of page.data) {
      this.#found.set(upload.id, upload.found);
      live.learn(upload);
    }
    this.#refresh();
    const parameters = this.filters.parameters();
    const address = (format) => `/v1/analyses.zip?${new URLSearchParams([...parameters, ["format", format]])}`;
    fill(this.downloads, page.data.length ? downloadMenu(text.filters.download, address) : null);
  }

  /** Show what is wanted now; an answer that a later search has overtaken is thrown away. */
  search() {
    this.#searches += 1;
    const mine = this.#searches;
    this.complaint.hidden = true;
    this.kept.setAttribute("aria-busy", "true");
    pageOf(this.filters.parameters())
      .then((page) => {
        if (mine !== this.#searches) return;
        this.#found.clear();
        this.show(page);
        announce(this.#outcome(page));
      })
      .catch((error) => mine === this.#searches && this.#complain(error))
      .finally(() => mine === this.#searches && this.kept.removeAttribute("aria-busy"));
  }

  #outcome({ data, next_cursor: more }) {
    if (!data.length) return `${text.filters.none}. ${this.tips.textContent}`;
    return more ? text.filters.more(data.length) : counted(data.length, text.filters.found);
  }

  async #more() {
    const mine = this.#searches;
    const page = await pageOf(this.filters.parameters(), this.#cursor);
    if (mine !== this.#searches) return;
    this.show(page);
    note({ listed: this.#found.size });
  }

  #complain(error) {
    this.complaint.textContent = error.message;
    this.complaint.hidden = false;
  }

  #changed(upload, before) {
    if (before && before.status !== upload.status) announce(text.pipeline.said(nameOf(upload), standing(upload)));
    if (!this.filters.active() && !this.#found.has(upload.id)) this.#found.set(upload.id, null);
    this.#refresh();
  }

  #refresh() {
    const uploads = live.all();
    uploads.sort((one, other) => (one.created_at < other.created_at ? 1 : -1));
    const searched = this.filters.active();
    const ended = uploads.filter((upload) => this.#found.has(upload.id) && (searched || ENDED.has(upload.status)));
    const moving = uploads.filter((upload) => !ENDED.has(upload.status));
    const interrupted = new Set(queue.interrupted.map((upload) => upload.id));
    const sendings = new Map(queue.sendings.map((sending) => [sending.upload.id, sending]));
    arrange(this.moving, moving, this.#cards, (upload) => uploadCard(upload, (error) => this.#complain(error)));
    for (const upload of moving) this.#cards.get(upload.id).update(upload, sendings.get(upload.id), interrupted.has(upload.id));
    arrange(this.kept, ended, this.#rows, (upload) => libraryRow(upload, (error) => this.#complain(error), () => this.#refresh()));
    for (const upload of ended) {
      this.#rows.get(upload.id).update(upload);
      this.#rows.get(upload.id).find(searched ? this.#found.get(upload.id) : null, this.filters.words());
    }
    this.movingSection.hidden = !moving.length;
    this.keptSection.hidden = !ended.length && !searched;
    this.none.hidden = Boolean(ended.length) || !searched;
    this.tips.textContent = this.filters.words() ? text.filters.tips : text.filters.tipsFeeling;
    this.more.hidden = !this.#cursor;
    this.heading.textContent = searched ? text.filters.heading : text.library.heading;
    this.count.textContent = this.#cursor || !ended.length ? "" : counted(ended.length, text.library.count);
    this.zone.resize(!uploads.length && !searched);
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
