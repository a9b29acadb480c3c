"""Parts of a file that a test holds back on their way, and where they go."""

from __future__ import annotations

from tests.web.visitor import Account, Opener, Visitor

PART = 8 * 1024**2

#: Requests for parts are held back from a number on, and noted when they are sent. Playwright's own interception would copy each body.
HOLDING = """
window.holdFrom = Infinity; window.sent = [];
window.origins = new Set(); window.damage = 0; window.inHand = 0; window.most = [0, 0]; window.kinds = new Set();
const read = Blob.prototype.arrayBuffer;
Blob.prototype.arrayBuffer = function () {
  window.inHand += 1;
  window.most = [Math.max(window.most[0], window.inHand), Math.max(window.most[1], this.size)];
  return read.call(this);
};
const held = new Map(), { open, send, abort } = XMLHttpRequest.prototype;
const changed = (body) => new Blob([body.slice(0, -8), "damaged!"]);
Object.assign(XMLHttpRequest.prototype, {
  open(method, address) {
    const url = new URL(address, location);
    this.part = Number(url.searchParams.get("partNumber") ?? url.pathname.split("/").pop());
    window.origins.add(url.origin);
    this.addEventListener("load", () => { window.inHand -= 1; });
    open.call(this, method, address);
  },
  send(body) {
    if (this.part >= window.holdFrom) return held.set(this, body);
    window.sent.push(this.part);
    window.kinds.add(body.constructor.name);
    send.call(this, window.damage-- > 0 ? changed(body) : body);
  },
  abort() { if (held.delete(this)) this.dispatchEvent(new ProgressEvent("abort")); else abort.call(this); },
});
window.release = () => { window.holdFrom = Infinity; held.forEach((body, request) => request.send(body)); held.clear(); };
"""
#: How parts go: the stack of these tests has them sent straight to S3, as its operator wants it, and this page may be told otherwise.
THROUGH_THE_API = "document.body.dataset.parts = 'through the API'"


async def parts_there(account: Account) -> list[int]:
    """The numbers of the parts of the account's only upload."""
    for upload in (await account.http.get("/v1/uploads")).json()["data"]:
        answer = await account.http.get(f"/v1/uploads/{upload['id']}/parts")
        return [part["number"] for part in answer.json().get("parts", [])]
    return []


async def at_the_library(open_page: Opener, account: Account, *, hold_from: int = 99, way: str = "straight") -> Visitor:
    """A visitor whose parts stay back from a number on."""
    visitor = await open_page(account)
    await visitor.page.add_init_script(HOLDING)
    await visitor.go("/")
    await parts_go(visitor, way)
    await visitor.page.evaluate(f"window.holdFrom = {hold_from}")
    return visitor


async def parts_go(visitor: Visitor, way: str) -> None:
    """Have parts sent one way, if this is another one than the operator's."""
    assert await visitor.page.evaluate("document.body.dataset.parts") == "straight"
    if way != "straight":
        await visitor.page.evaluate(THROUGH_THE_API)
