"""docs/browser-module.md does what it says: each of its examples runs on a page of the site.

An example's first line names the file that it is served as. The page that loads it has the site's
policy and no script of its own.
"""

import re
from typing import Any, Final

import pytest
from playwright.sync_api import BrowserContext, Page, Route, expect

from app.errors import Refusal
from config import ROOT
from tests.support.browsing import ADA, NEW_PASSWORD, Person, at_account, live, log_in
from tests.support.mail import registration_path
from tests.support.reauthentication import let_the_log_in_be_old, question
from tests.support.servers.gunicorn import GunicornServer

PAGE: Final = (ROOT / "docs" / "browser-module.md").read_text(encoding="utf-8")
EXAMPLES: Final = dict(
    re.findall(r"^```js\n// (\w+\.js)\n(.*?)^```$", PAGE, re.DOTALL | re.MULTILINE)
)
CALL: Final = """
([name, function_, given]) => import(`/static/examples/${name}.js`)
  .then(example => example[function_](...given))
"""
FOLLOW: Final = """
async () => {
  const { followSession } = await import('/static/examples/screen.js');
  window.loads = 0;
  followSession(document.querySelector('main'), () => { window.loads += 1; });
}
"""
STATUS: Final = """
async () => {
  const { onChange } = await import('/static/js/session.js');
  return new Promise(resolve => onChange(({ status }) => resolve(status)));
}
"""
ACCOUNT_VIEW: Final = re.compile(r"(/static/v-\w{12})/js/views/account\.js")
# Codes of errors that no answer of the server has.
OF_THE_MODULE: Final = {"superseded", "logging_out", "unreachable", "reauthentication_cancelled"}
# What the page's two tables name, each as a set.
TABLES: Final = [
    set(re.findall(r"`(\w+)`", " ".join(re.findall(r"^\| ([^|]+) \|", table, re.MULTILINE))))
    for table in re.findall(r"(?:^\|.*\n)+", PAGE, re.MULTILINE)
]


@pytest.fixture(autouse=True)
def examples(context: BrowserContext) -> None:
    """Serve the examples among the static files, also among those of a feature."""

    def serve(route: Route) -> None:
        name = route.request.url.rpartition("/")[2]
        body = EXAMPLES[name]
        if "/notes/static/" in route.request.url:
            body = body.replace("../js/", "../../js/")
        route.fulfill(content_type="text/javascript", body=body)

    context.route(re.compile(r"/static/(v-\w+/)?examples/|/notes/static/"), serve)


def server_codes(refusal: type[Refusal]) -> set[str]:
    return {refusal.code}.union(*map(server_codes, refusal.__subclasses__()))


def call(page: Page, name: str, function: str, *given: str) -> Any:  # noqa: ANN401 - as the example returns
    return page.evaluate(CALL, [name, function, list(given)])


def test_examples_from_registering_to_logging_out(page: Page, site: GunicornServer) -> None:
    page.goto("/mistakes")
    assert call(page, "visitor", "isLoggedIn") is False
    assert call(page, "join", "ask", ADA.email) == 202
    token = registration_path(site, ADA.email, ask=False).partition("=")[2]
    assert call(page, "join", "join", token, ADA.password) == ADA.email
    assert call(page, "notes", "loadNotes")["email"] == ADA.email
    page.reload()
    assert page.evaluate(STATUS) == "unknown"
    assert call(page, "notes", "loadNotes")["email"] == ADA.email
    assert call(page, "visitor", "isLoggedIn") is True
    assert call(page, "find", "search", "two words") == 200
    assert call(page, "password", "setPassword", ADA.password, NEW_PASSWORD) == "logged_in"
    other = page.context.new_page()
    other.goto("/mistakes")
    assert call(other, "notes", "loadNotes")["email"] == ADA.email
    other.evaluate(FOLLOW)
    assert call(page, "enter", "enter", ADA.email, ADA.password) == "Incorrect e-mail or password."
    assert call(page, "enter", "enter", ADA.email, NEW_PASSWORD) == "Welcome."
    other.wait_for_function("window.loads === 1")
    expect(other.locator("main")).to_be_hidden()
    assert call(page, "leave", "leave") == "You are logged out."
    other.wait_for_url("**/login")
    assert live(site) == []


def test_examples_on_a_bad_network(page: Page, site: GunicornServer, ada: Person) -> None:
    page.goto("/mistakes")
    assert call(page, "enter", "enter", ada.email, ada.password) == "Welcome."
    for name in ("leave", "enter"):
        page.evaluate("name => import(`/static/examples/${name}.js`)", name)
    page.context.set_offline(offline=True)
    assert "not logged out yet" in call(page, "leave", "leave")
    assert page.evaluate(STATUS) == "logout_pending"
    said = call(page, "enter", "enter", ada.email, ada.password)
    assert said == "The server could not be reached."
    with page.expect_response("**/auth/logout"):
        page.context.set_offline(offline=False)
    page.wait_for_function(f"({STATUS})().then(status => status === 'logged_out')")
    assert live(site) == []


def test_password_is_asked_for_before_everything_ends(
    page: Page, site: GunicornServer, ada: Person
) -> None:
    """The example says when the user closed the dialog, and when it was done."""
    page.goto("/mistakes")
    call(page, "enter", "enter", ada.email, ada.password)
    let_the_log_in_be_old(site)
    page.reload()
    for key, text in (("Escape", ""), ("Enter", ada.password)):
        page.evaluate(
            "import('/static/examples/erase.js')"
            ".then(({ endEverything }) => { window.done = endEverything(); })"
        )
        question(page).get_by_label("Password", exact=True).fill(text)
        page.keyboard.press(key)
        assert page.evaluate("window.done") is (key == "Enter")
    assert live(site) == []


def test_earlier_search_is_given_up(page: Page, ada: Person) -> None:
    page.goto("/mistakes")
    call(page, "enter", "enter", ada.email, ada.password)
    page.route("**/api/me?words=slow", lambda _: None)  # never answered
    outcome = page.evaluate(
        """async () => {
          const { search } = await import('/static/examples/find.js');
          const slow = search('slow').catch(error => error.name);
          await new Promise(resolve => setTimeout(resolve, 300));
          return [await search('quick'), await slow];
        }"""
    )
    assert outcome == [200, "AbortError"]


def test_slow_requests_are_told(page: Page, ada: Person) -> None:
    page.goto("/mistakes")
    call(page, "slow", "slowRequests")
    page.clock.install()
    call(page, "enter", "enter", ada.email, ada.password)
    assert call(page, "slow", "slowRequests") == []

    def answer_late(route: Route) -> None:
        page.clock.run_for(1500)
        route.continue_()

    page.route("**/api/me", answer_late)
    call(page, "notes", "loadNotes")
    assert call(page, "slow", "slowRequests") == ["GET /api/me 200"]


@pytest.mark.parametrize("folder", [r"\1/examples", r"\1/notes/static"])
def test_view_of_a_fragment(page: Page, context: BrowserContext, ada: Person, folder: str) -> None:
    """A fragment names its script in `data-view`; it can load the fragment again."""
    shown = []

    def change(route: Route) -> None:
        answer = route.fetch()
        shown.append(answer.status)
        body = ACCOUNT_VIEW.sub(f"{folder}/view.js", answer.text())
        route.fulfill(response=answer, body=body)

    context.route("**/fragments/account", change)
    log_in(page, ada)
    with page.expect_response("**/fragments/account"):
        page.get_by_role("heading", name="Your account").click()
    at_account(page)
    assert shown == [200, 200]


def test_view_of_another_release_is_loaded_in_the_version_of_the_page(
    page: Page, context: BrowserContext, ada: Person
) -> None:
    """As during a deployment: it must not bring a second shell, session and token with it."""

    def change(route: Route) -> None:
        answer = route.fetch()
        body = ACCOUNT_VIEW.sub("/static/v-000000000000/js/views/account.js", answer.text())
        route.fulfill(response=answer, body=body)

    log_in(page, ada)
    context.route("**/fragments/account", change)
    asked: list[str] = []
    context.on("request", lambda request: asked.append(request.url))
    page.reload()
    at_account(page)
    page.get_by_role("button", name="Refresh now").wait_for()
    scripts = [url for url in asked if url.endswith(".js")]
    assert [url for url in scripts if url.endswith("/views/account.js")]
    assert len({url.partition("/js/")[0] for url in scripts}) == 1
    assert len([url for url in asked if url.endswith("/auth/refresh")]) == 1
    assert len([url for url in asked if url.endswith("/fragments/account")]) == 1


@pytest.mark.parametrize(
    "name",
    [
        "//evil.test/static/view.js",
        "https://evil.test/static/view.js",
        "data:text/javascript,window.ran=true",
        "/login",
        "/static/../uploads/view.js",
        "/static/%2e%2e/uploads/view.js",
        "/static/v-000000000000/../../uploads/view.js",
        "/v-000000000000/static/view.js",
        "/uploads/static/view.js",
        "//localhost/static/view.js",
    ],
)
def test_view_from_elsewhere_is_not_loaded(page: Page, ada: Person, name: str) -> None:
    asked: list[str] = []
    page.context.route(
        re.compile("evil|uploads|view.js$"), lambda route: asked.append(route.request.url)
    )
    log_in(page, ada)

    def change(route: Route) -> None:
        answer = route.fetch()
        route.fulfill(response=answer, body=ACCOUNT_VIEW.sub(name, answer.text()))

    page.route("**/fragments/account", change)
    page.reload()
    expect(page.get_by_role("alert")).to_contain_text("This page could not be loaded")
    assert asked == []
    assert page.evaluate("window.ran") is None


def test_page_names_what_there_is(page: Page) -> None:
    page.goto("/mistakes")
    exported = page.evaluate("import('/static/js/session.js').then(Object.keys)")
    headings = set(re.findall(r"(\w+)\(", " ".join(re.findall(r"^### .*$", PAGE, re.MULTILINE))))
    assert headings == set(exported) - {"SessionError"}
    scripts = (ROOT / "static" / "js").glob("*.js")
    source = "".join(script.read_text(encoding="utf-8") for script in scripts)
    types = (ROOT / "static" / "js" / "internal.d.ts").read_text(encoding="utf-8")
    comment, _, rest = types.partition("type Status =")
    described, codes = TABLES[:2]
    assert described == set(re.findall(r"'(\w+)'", rest.partition(";")[0]))
    assert described == set(re.findall(r"- `(\w+)`:", comment))
    assert codes <= server_codes(Refusal) | OF_THE_MODULE
    assert set(re.findall(r"SessionError\('(\w+)'", source)) <= codes
