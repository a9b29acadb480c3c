"""The result: picture, river and words move together, and every way leads to a moment."""

from __future__ import annotations

import pytest
from playwright.async_api import Page, Route, expect

from tests.web.visitor import Account, Opener, playable, true_of

pytestmark = pytest.mark.asyncio(loop_scope="session")


async def time_of(page: Page) -> float:
    return float(await page.locator("video").evaluate("video => video.currentTime"))


async def test_a_click_on_a_word_lands_on_the_word_and_river_and_list_follow(analysed: tuple[Account, str], open_page: Opener) -> None:
    account, upload_id = analysed
    page = (await open_page(account)).page
    await page.goto(f"/uploads/{upload_id}")
    await playable(page)
    word = page.locator(".word", has_text="angry!")
    await word.click()
    start = float(await word.get_attribute("data-start") or "nan")
    await true_of(page, f"Math.abs(document.querySelector('video').currentTime - {start}) < 0.05")
    await expect(page.locator(".utterance[aria-current=true]")).to_contain_text("Who took my papers?")
    await expect(word).to_have_attribute("data-now", "")
    slider = page.get_by_role("slider", name="Place in the video")
    await expect(slider).to_have_attribute("aria-valuetext", "0:21, Anger")
    at = float(await page.locator(".playhead").evaluate("head => head.style.getPropertyValue('--at')"))
    assert at == pytest.approx(start / 44.224, abs=0.01)


async def test_while_it_plays_the_list_follows_from_one_utterance_to_the_next(analysed: tuple[Account, str], open_page: Opener) -> None:
    account, upload_id = analysed
    page = (await open_page(account)).page
    await page.goto(f"/uploads/{upload_id}#t=8.5")
    await playable(page)
    await expect(page.locator(".utterance[aria-current=true]")).to_contain_text("I have wonderful news!")
    await page.get_by_role("button", name="Play", exact=True).click()
    await expect(page.locator(".utterance[aria-current=true]")).to_contain_text("Oh my god!")
    await page.get_by_role("button", name="Pause", exact=True).click()


async def test_a_link_to_a_moment_opens_at_that_moment(analysed: tuple[Account, str], open_page: Opener) -> None:
    account, upload_id = analysed
    page = (await open_page(account)).page
    await page.goto(f"/uploads/{upload_id}#t=33.5")
    await playable(page)
    assert await time_of(page) == pytest.approx(33.5)
    await page.keyboard.press("l")
    assert (await page.evaluate("navigator.clipboard.readText()")).endswith(f"/uploads/{upload_id}#t=33.5")


async def test_every_key_of_the_list_does_what_it_says(analysed: tuple[Account, str], open_page: Opener) -> None:
    account, upload_id = analysed
    page = (await open_page(account)).page
    await page.goto(f"/uploads/{upload_id}")
    await playable(page)
    for key, expected in (("j", 0.7), ("j", 5.15), ("k", 0.7), ("ArrowRight", 5.7), ("ArrowLeft", 0.7)):
        await page.keyboard.press(key)
        assert await time_of(page) == pytest.approx(expected), key
    before = await page.locator(".word[data-now]").inner_text()
    await page.keyboard.press("Shift+ArrowRight")
    await expect(page.locator(".word[data-now]")).not_to_have_text(before)
    await page.keyboard.press(" ")
    await true_of(page, "!document.querySelector('video').paused")
    await page.keyboard.press(" ")
    await true_of(page, "document.querySelector('video').paused")
    await page.keyboard.press("c")
    await expect(page.get_by_role("button", name="Captions")).to_have_attribute("aria-pressed", "true")
    await true_of(page, "document.querySelector('video').textTracks[0].cues?.length === 11")
    await page.keyboard.press("m")
    assert await page.locator("video").evaluate("video => video.muted")
    await page.keyboard.press("?")
    await expect(page.get_by_role("dialog", name="Keyboard")).to_be_visible()
    await page.keyboard.press("Escape")
    await page.keyboard.press("/")
    await page.keyboard.type("cat")
    await expect(page.locator(".utterance:visible")).to_have_count(1)
    assert await page.locator(".word[data-found]").all_inner_texts() == ["cat!"]


async def test_a_key_right_after_a_dialog_has_closed_is_not_lost(analysed: tuple[Account, str], open_page: Opener) -> None:
    account, upload_id = analysed
    page = (await open_page(account)).page
    await page.goto(f"/uploads/{upload_id}")
    await playable(page)
    await page.keyboard.press("?")
    focused = await page.get_by_role("dialog", name="Keyboard").evaluate(
        """dialog => {
          dialog.close();  // the focus leaves it with the next frame; the key comes before
          document.activeElement.dispatchEvent(new KeyboardEvent("keydown", { key: "/", bubbles: true, cancelable: true }));
          return document.activeElement.type;
        }"""
    )
    assert focused == "search"


async def test_keys_of_one_letter_can_be_turned_off(analysed: tuple[Account, str], open_page: Opener) -> None:
    account, upload_id = analysed
    page = (await open_page(account)).page
    await page.goto(f"/uploads/{upload_id}")
    await playable(page)
    await page.keyboard.press("?")
    await page.get_by_label("Use these keys").uncheck()
    await page.get_by_role("button", name="Close").click()
    await page.keyboard.press("j")
    assert await time_of(page) == 0
    await page.reload()
    await page.get_by_role("button", name="Keyboard").click()
    await page.get_by_label("Use these keys").check()
    await page.get_by_role("button", name="Close").click()
    await playable(page)
    await page.keyboard.press("j")
    await true_of(page, "document.querySelector('video').currentTime === 0.7")


async def test_the_river_is_asked_by_pointer_and_key_and_says_what_it_shows_as_a_table(
    analysed: tuple[Account, str], open_page: Opener
) -> None:
    account, upload_id = analysed
    page = (await open_page(account)).page
    await page.goto(f"/uploads/{upload_id}")
    await playable(page)
    await expect(page.locator(".river-bands .band")).to_have_count(7)
    slider = page.get_by_role("slider", name="Place in the video")
    box = await slider.bounding_box()
    assert box is not None
    await page.mouse.click(box["x"] + box["width"] / 2, box["y"] + 30)
    assert await time_of(page) == pytest.approx(22.1, abs=0.3)
    await slider.focus()
    await page.keyboard.press("Home")
    assert await time_of(page) == 0
    await page.get_by_text("The same as a table").click()
    table = page.get_by_role("region", name="The same as a table")
    await expect(table.get_by_role("row")).to_have_count(12)
    await expect(table.get_by_role("row").nth(2)).to_contain_text("I have wonderful news!")


async def test_the_scores_of_each_modality_are_there_on_demand(analysed: tuple[Account, str], open_page: Opener) -> None:
    account, upload_id = analysed
    document = (await account.http.get(f"/v1/uploads/{upload_id}/analysis.json")).json()
    page = (await open_page(account)).page
    await page.goto(f"/uploads/{upload_id}")
    first = page.locator(".utterance").first
    await first.get_by_text("Scores").click()
    names = {"text": "Words", "voice": "Voice", "face": "Face"}
    heads = ["Emotion", "Together", *(names[used] for used in names if used in document["utterances"][0]["modalities"])]
    await expect(first.get_by_role("columnheader")).to_have_text(heads)
    joy = document["utterances"][0]["scores"]["emotions"]["joy"]
    await expect(first.get_by_role("row", name="Joy").get_by_role("cell").first).to_have_text(f"{joy:.0%}")


@pytest.mark.parametrize(("heard", "verdict"), [("joy", "They name the same emotion."), ("anger", "They name different emotions.")])
async def test_two_modalities_say_how_far_they_agree(analysed: tuple[Account, str], open_page: Opener, heard: str, verdict: str) -> None:
    account, upload_id = analysed
    page = (await open_page(account)).page

    async def answer(route: Route) -> None:
        given = await route.fetch()
        document = await given.json()
        first = document["utterances"][0]
        none = dict.fromkeys(first["scores"]["emotions"], 0.0)
        said, voice = [first["scores"] | {"emotions": none | {name: 1.0}} for name in ("joy", heard)]
        first |= {"modalities": {"text": said, "voice": voice}, "agreement": 0.62}
        await route.fulfill(response=given, json=document)

    await page.route("**/analysis.json*", answer)
    await page.goto(f"/uploads/{upload_id}")
    first = page.locator(".utterance").first
    await first.get_by_text("Scores").click()
    await expect(first.get_by_role("columnheader")).to_have_text(["Emotion", "Together", "Words", "Voice"])
    await expect(first.locator(".scores-panel p")).to_have_text(f"They agree to 62%. {verdict}")


async def test_an_utterance_is_uncertain_where_its_document_says_so_and_nowhere_else(
    analysed: tuple[Account, str], open_page: Opener
) -> None:
    account, upload_id = analysed
    page = (await open_page(account)).page

    async def answer(route: Route) -> None:
        given = await route.fetch()
        document = await given.json()
        sure, unsure = document["utterances"][:2]
        emotions = dict.fromkeys(sure["scores"]["emotions"], 0.0)
        sure |= {"uncertain": False, "scores": sure["scores"] | {"emotions": emotions | {"joy": 0.51, "anger": 0.49}}}
        unsure |= {"uncertain": True, "scores": unsure["scores"] | {"emotions": emotions | {"fear": 0.97, "anger": 0.03}}}
        await route.fulfill(response=given, json=document | {"utterances": [sure, unsure]})

    await page.route("**/analysis.json*", answer)
    await page.goto(f"/uploads/{upload_id}#t=6")
    utterances = page.locator(".utterance")
    await expect(utterances.nth(0).locator(".feeling").first).to_have_text("Joy 51%")
    await expect(utterances.nth(1).locator(".feeling").first).to_have_text("Perhaps fear 97%")
    await expect(page.locator(".doubt")).to_have_text(["Uncertain: fear is the likeliest, anger the next."])
    await page.get_by_text("The same as a table").click()
    rows = page.get_by_role("region", name="The same as a table").get_by_role("row")
    await expect(rows.nth(1).locator(".feeling")).to_have_text("Joy")
    await expect(rows.nth(2).locator(".feeling")).to_have_text("Perhaps fear")


async def test_two_attempts_can_be_compared(analysed: tuple[Account, str], open_page: Opener) -> None:
    account, upload_id = analysed
    page = (await open_page(account)).page
    await page.goto(f"/uploads/{upload_id}")
    await page.get_by_label("Compare with").select_option(label="Attempt 1")
    other = page.get_by_role("region", name="Attempt 1")
    await expect(other.locator(".band")).to_have_count(7)
    await expect(page.get_by_text("Both attempts feel the same")).to_be_visible()


async def test_what_follows_does_not_run_away_from_who_reads(analysed: tuple[Account, str], open_page: Opener) -> None:
    account, upload_id = analysed
    page = (await open_page(account, viewport={"width": 1440, "height": 620})).page
    await page.goto(f"/uploads/{upload_id}")
    await playable(page)
    frame = page.get_by_role("region", name="Utterances")
    await frame.hover()
    await page.mouse.wheel(0, 400)
    for _ in range(2):
        await page.keyboard.press("ArrowRight")
    back = page.get_by_role("button", name="Back to what is said now")
    await expect(back).to_be_visible()
    await back.click()
    await expect(page.locator(".utterance[aria-current=true]")).to_be_in_viewport()
