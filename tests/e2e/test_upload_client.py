"""The pages' own client of uploads, in a real Chromium, against a server that answers as a test wants."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Page, Route, sync_playwright

from browser_kit import FLAGS, chromium

APP = Path("services/api/gatehouse_api/static/app")
# A server that keeps what it is sent; `hinder(request, state)` may answer in its place.
# Waiting takes a hundredth of its time.
SERVER = """
const waits = window.setTimeout;
window.setTimeout = (work, ms) => waits(work, ms / 100);
window.serve = (hinder) => {
  const state = { kept: [], offset: 0, length: null, metadata: [], asked: [] };
  window.fetch = async (url, { method, headers, body }) => {
    state.asked.push(`${method} ${body?.size ?? 0}`);
    const instead = await hinder({ method, headers, body }, state);
    if (instead) return instead;
    if (method === 'POST') return new Response(null, { status: 201, headers: { Location: '/api/v1/uploads/one' } });
    if (method === 'PATCH') state.take({ headers, body });
    const told = state.length === null ? {} : { 'Upload-Length': state.length };
    const status = method === 'HEAD' ? 200 : 204;
    return new Response(null, { status, headers: { 'Upload-Offset': state.offset, ...told } });
  };
  state.take = ({ headers, body }) => {
    if (Number(headers['Upload-Offset']) !== state.offset) throw new Error('it does not end there');
    if (headers['Upload-Length']) state.length = Number(headers['Upload-Length']);
    if (headers['Upload-Metadata']) state.metadata.push(headers['Upload-Metadata']);
    state.kept.push(body);
    state.offset += body?.size ?? 0;
  };
  return state;
};"""


@pytest.fixture(scope="module")
def page() -> Iterator[Page]:
    with sync_playwright() as p:
        browser = p.chromium.launch(executable_path=chromium(), args=FLAGS)
        opened = browser.new_page()

        def answer(route: Route) -> None:
            name = route.request.url.rpartition("/")[2]
            if name.endswith(".js"):
                route.fulfill(path=APP / name, content_type="text/javascript")
            else:
                route.fulfill(body="<!doctype html><title>Uploads</title>", content_type="text/html")

        opened.route("**/*", answer)
        opened.add_init_script(SERVER)
        yield opened
        browser.close()


def run(page: Page, script: str) -> Any:
    page.goto("http://localhost:1/")
    return page.evaluate(
        """async (script) => {
          const { TusUpload, QueueSource } = await import('/tus_client.js');
          const { partsOf } = await import('/record_kept.js');
          const Work = Object.getPrototypeOf(async () => {}).constructor;
          return new Work('TusUpload', 'QueueSource', 'partsOf', script)(TusUpload, QueueSource, partsOf);
        }""",
        script,
    )


def test_a_link_that_carries_only_small_pieces_is_sent_small_pieces(page: Page) -> None:
    """S4-18: whatever is longer breaks off; an answer that is lost costs nothing, and nothing is sent twice."""
    found = run(
        page,
        """
        let lost = false;
        const state = serve(({ method, headers, body }, state) => {
          if (method !== 'PATCH') return null;
          if (body.size > 100_000) throw new TypeError('it broke off');
          if (lost || state.offset < 200_000) return null;
          lost = true;
          state.take({ headers, body });
          throw new TypeError('the answer was lost');
        });
        const film = new Uint8Array(400_000).map((_, at) => at * 7 + (at >> 8));
        const source = new QueueSource();
        source.add(new Blob([film]));
        const upload = new TusUpload(source, { later: () => ({ interrupted: '1' }) });
        source.end();
        await upload.run();
        const kept = new Uint8Array(await new Blob(state.kept).arrayBuffer());
        return { same: kept.length === film.length && kept.every((one, at) => one === film[at]), lost,
                 length: state.length, metadata: [...new Set(state.metadata)] };""",
    )
    assert found == {"same": True, "lost": True, "length": 400_000, "metadata": ["interrupted MQ=="]}


def test_a_server_without_room_is_waited_for(page: Page) -> None:
    """S4-18: what is recorded is sent when there is room again."""
    found = run(
        page,
        """
        let full = 3;
        const waits = [];
        const state = serve(({ method }) => method === 'PATCH' && full-- > 0
          ? new Response(JSON.stringify({ detail: 'no room.' }), { status: 507 }) : null);
        const source = new QueueSource();
        source.add(new Blob(['film']));
        source.end();
        const onWait = ({ seconds, reason, message }) => waits.push([seconds, reason, message]);
        await new TusUpload(source, { onWait }).run();
        return { waits, offset: state.offset };""",
    )
    assert found == {"waits": [[30, "full", "no room."]] * 3, "offset": 4}


def test_what_the_server_took_for_ended_is_said_to_be_and_not_sent_for_ever(page: Page) -> None:
    """S0-8: after a long silence the rest stays in the browser, with the reason."""
    found = run(
        page,
        """
        serve(({ method }, state) => {
          state.offset = state.length = 4;
          return method === 'PATCH' ? new Response('{}', { status: 409 }) : null;
        });
        const source = new QueueSource();
        source.add(new Blob(['film and more']));
        const upload = new TusUpload(source, { url: '/api/v1/uploads/one' });
        return upload.run().catch((error) => [error.constructor.name, error.message]);""",
    )
    assert found[0] == "Refused"
    assert "for ended" in found[1]


def test_only_what_follows_without_a_gap_is_sent(page: Page) -> None:
    """S0-8: the first slice is kept for the file that is saved, and is not sent again; nothing is after a gap."""
    found = run(
        page,
        """
        const slices = (...ends) => ends.map(([from, end]) => ({ from, end }));
        const told = (arrived, ...ends) => {
          const { toSend, from, hasGap } = partsOf({ arrived }, slices(...ends));
          return [from, toSend.length, hasGap];
        };
        return [told(0, [0, 5], [5, 9]), told(9, [0, 5], [9, 12], [12, 20]), told(10, [0, 5], [9, 12], [14, 20]),
                told(7, [0, 5], [9, 12]), told(5, [0, 5])];""",
    )
    assert found == [[0, 2, False], [9, 2, False], [9, 1, True], [7, 0, True], [5, 0, False]]
