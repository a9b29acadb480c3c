"""What somebody does about the account itself, on the page."""

from __future__ import annotations

import httpx
import pytest
from playwright.async_api import Route, expect

from api import accounts
from local.stack import Stack
from runtime.database import Database
from tests.web.visitor import PASSWORD, Account, Opener

pytestmark = pytest.mark.asyncio(loop_scope="session")

NEW_PASSWORD = "an eighth river runs dry"


async def test_a_changed_password_ends_other_sessions_and_the_account_can_be_deleted_with_it(account: Account, open_page: Opener) -> None:
    visitor = await open_page(account)
    page = visitor.page
    assert (await account.http.post("/v1/session", json={"email": account.email, "password": PASSWORD})).status_code == 200
    await visitor.go("/sign-in")
    await page.get_by_label("E-mail address").fill(account.email)
    await page.get_by_label("Password").fill(PASSWORD)
    await page.get_by_role("button", name="Sign in").click()
    await page.get_by_role("link", name="Settings").click()
    await expect(page.get_by_role("region", name="Sessions").get_by_role("listitem")).to_have_count(2)

    form = page.get_by_role("region", name="Password", exact=True)
    await form.get_by_label("Current password").fill("not the password")
    await form.get_by_label("New password").fill(NEW_PASSWORD)
    await form.get_by_role("button", name="Change the password").click()
    await expect(form.get_by_role("status")).to_contain_text("password")
    await form.get_by_label("Current password").fill(PASSWORD)
    await form.get_by_role("button", name="Change the password").click()
    await expect(form.get_by_role("status")).to_contain_text("Other sessions have ended.")
    assert (await account.http.get("/v1/session")).status_code == 401
    await expect(page.get_by_role("region", name="Activity")).to_contain_text("Somebody signed in")

    end = page.get_by_role("region", name="Delete the account")
    await end.get_by_role("button", name="Delete the account").click()
    await end.get_by_label("Current password").fill(NEW_PASSWORD)
    await end.get_by_role("button", name="Delete the account").click()
    await expect(page.get_by_role("button", name="Make an account")).to_be_visible()
    gone = await account.http.post("/v1/session", json={"email": account.email, "password": NEW_PASSWORD})
    assert gone.status_code == 401


async def test_a_section_is_led_to_and_what_was_typed_is_still_there(account: Account, open_page: Opener) -> None:
    visitor = await open_page(account, viewport={"width": 1440, "height": 500})
    page = visitor.page
    await visitor.go("/settings#webhooks")
    await expect(page.get_by_role("heading", name="Webhooks")).to_be_in_viewport()
    name = page.get_by_role("region", name="API keys").get_by_label("Name")
    await name.fill("half typed")
    await page.get_by_role("link", name="Delete the account").click()
    await expect(page.get_by_role("button", name="Delete the account")).to_be_in_viewport()
    await expect(name).to_have_value("half typed")
    await page.go_back()
    await expect(name).to_have_value("half typed")


async def test_whoever_has_to_confirm_an_address_is_told_instead_of_being_given_a_form(account: Account, open_page: Opener) -> None:
    visitor = await open_page(account)

    async def unconfirmed(route: Route) -> None:
        session = await (await route.fetch()).json()
        session["account"]["must_verify_email"] = True
        await route.fulfill(json=session)

    await visitor.page.route("**/v1/session", unconfirmed)
    await visitor.go("/settings")
    for section in ("API keys", "Webhooks"):
        region = visitor.page.get_by_role("region", name=section)
        await expect(region).to_contain_text(f"we have sent a link to {account.email}")
        await expect(region.get_by_role("textbox")).to_have_count(0)


async def test_who_signs_out_in_one_tab_is_signed_out_in_the_others(account: Account, open_page: Opener) -> None:
    visitor = await open_page(account)
    await visitor.page.add_init_script("window.EventSource = class extends EventTarget { close() {} };")  # only the other tab can tell it
    await visitor.go("/")
    other = await visitor.page.context.new_page()
    await other.goto("/settings")
    await other.get_by_role("button", name="Sign out").click()
    await expect(visitor.page.get_by_role("button", name="Sign in")).to_be_visible()
    await expect(visitor.page.locator("#alerts")).to_have_text("Your session has ended: sign in again.")


async def test_a_forgotten_password_is_set_anew_by_its_link_once(account: Account, open_page: Opener, stack: Stack, url: str) -> None:
    database = Database(stack.environment()["DATABASE_URL"], connections=1)
    link = await accounts.reset_link(database, account.email, url)
    await database.close()
    visitor = await open_page()
    page = visitor.page
    for said in ("The password is set: sign in with it.", "link"):
        await page.goto(link)
        await page.get_by_label("Password").fill(NEW_PASSWORD)
        await page.get_by_role("button", name="Set the password").click()
        await expect(page.get_by_role("status" if "set" in said else "alert").filter(has_text=said)).to_be_visible()
        await page.goto("about:blank")
    await visitor.go("/sign-in")
    await page.get_by_label("E-mail address").fill(account.email)
    await page.get_by_label("Password").fill(NEW_PASSWORD)
    await page.get_by_role("button", name="Sign in").click()
    await expect(page.get_by_role("button", name="Try the sample")).to_be_visible()


async def test_another_session_is_ended_from_the_list_and_what_was_used_is_told(analysed: tuple[Account, str], open_page: Opener) -> None:
    account, _ = analysed
    visitor = await open_page(account)
    page = visitor.page
    async with httpx.AsyncClient(base_url=str(account.http.base_url), headers={"Valence-Request": "1"}) as elsewhere:
        signed_in = await elsewhere.post("/v1/session", json={"email": account.email, "password": PASSWORD})
        assert signed_in.status_code == 200
        await visitor.go("/settings")
        sessions = page.get_by_role("region", name="Sessions")
        await expect(sessions.get_by_role("listitem")).to_have_count(2)
        await sessions.get_by_role("button", name="End: ").click()
        await expect(sessions.get_by_role("listitem")).to_have_count(1)
        assert (await elsewhere.get("/v1/session")).status_code == 401
    used = (await account.http.get("/v1/usage")).json()["videos"]["used"]
    assert used > 0
    await expect(page.get_by_role("region", name="Usage")).to_contain_text(f"Videos{used}")
