/** The attacks that need a browser: this one, with its own session or a throwaway one. */

import * as session from '/static/js/session.js';
import * as api from './api.js';

/** @import { BrowserRun, Finding, Report, ReportOf, Run, Seen, Sides, Step } from './types.d.ts' */
/** @typedef {(Seen | Report)[]} Log what was seen of a run */

const ORIGIN = 'app/web/origin.py:check_origin';
const COOKIE = 'app/web/cookies.py:set_credentials';
const NAMES = 'app/web/cookies.py:REFRESH';
const POLICY = 'app/web/headers.py:CONTENT_SECURITY_POLICY';
const MODULE = 'static/js/session.js:acceptTokenResponse';
const WEAKENED_COOKIE = 'app/dev/lab/weakened_pages.py:blueprint';
const WEAKENED_STORE = 'app/dev/lab/static/inside-weakened.js:keep';
const REFRESH = '__Host-Http-refresh';

const SECONDS = 15;
const NO_OTHER_SITE = 'PUBLIC_URL names neither localhost nor 127.0.0.1, so this machine has no second name to be another site.';
const BLOCKED = 'The browser opened no second window. Allow pop-ups for this site, then run it again.';

/** @param {string} text @returns {Step} */
const said = (text) => ({ kind: 'said', text });

/** @param {string} text @param {string} by @param {boolean} held @returns {Finding} */
const found = (text, by, held) => ({ kind: 'finding', text, held, by });

/** @param {number} time in milliseconds */
const pause = (time) => new Promise((done) => setTimeout(done, time));

/** @param {Step[]} steps @returns {Run} */
function judged(steps) {
	const findings = steps.filter(({ kind }) => kind === 'finding');
	const held = findings.length && findings.every((one) => /** @type {Finding} */ (one).held);
	return { verdict: held ? 'held' : 'got_through', why: '', steps, picture: [] };
}

/** @param {string} why @returns {Run} */
const notRun = (why) => ({ verdict: 'inconclusive', why, steps: [], picture: [] });

/**
 * Returns what was seen of a run, once it is enough.
 *
 * @param {string} run
 * @param {(seen: Log) => unknown} enough
 */
async function watch(run, enough) {
	for (let left = SECONDS * 5; left; left -= 1) {
		const seen = await api.seen(run);
		if (enough(seen)) return seen;
		await pause(200);
	}
	throw Error('The second window did not come to its end. Leave it open until it has, and run it again.');
}

/** Whether this browser's session goes on. */
const alive = () => session.refresh().then(({ status }) => status === 'logged_in', () => false);

/**
 * @template {Report['from']} From
 * @param {Log} seen
 * @param {From} who
 */
const saidBy = (seen, who) =>
	/** @type {ReportOf<From> | undefined} */ (seen.find((one) => one.kind === 'said' && one.from === who));

/**
 * Waits for a page's report.
 *
 * @template {Report['from']} From
 * @param {string} run
 * @param {From} who
 */
async function reportOf(run, who) {
	const seen = await watch(run, (all) => saidBy(all, who));
	return /** @type {ReportOf<From>} */ (saidBy(seen, who));
}

/** @param {Log} seen @param {string} path */
const sentTo = (seen, path) => seen.filter((one) => one.kind === 'exchange').filter((one) => one.path === path);

/** @param {Log} seen @param {string} path */
const navigated = (seen, path) => sentTo(seen, path).some(({ mode }) => mode === 'navigate');

/** @param {Seen} sent @param {string} name */
const has = ({ cookies }, name) => cookies.includes(name);

/** @param {BrowserRun} own @param {Window} popup @returns {Promise<Sides>} */
async function csrfOnRefresh({ run, attacker }, popup) {
	const path = '/auth/refresh';
	const forged = '/lab/attacker-site/weakened/refresh';
	const { used } = await api.weakened(run, 'session');
	popup.location.href = `${attacker}/lab/attacker-site/attacker/csrf-on-refresh?lab_run=${run}`;
	const seen = await watch(run, (all) => navigated(all, path));
	const here = [said(`A page at ${attacker} has this browser post to ${path}: by script, and as a form.`)];
	for (const sent of sentTo(seen, path)) {
		const how = sent.mode === 'navigate' ? 'the form' : 'the script';
		here.push(sent, found(`${how} brought no refresh cookie`, COOKIE, !has(sent, REFRESH)));
		here.push(found(`${how} was refused: ${sent.status}`, ORIGIN, sent.status === 403));
	}
	here.push(found('nothing was used up: the session goes on', ORIGIN, await alive()));
	const moved = (await api.weakened(run, 'whoami', 'GET')).used - used;
	const weakened = [
		said('The same page posts to an endpoint that asks nobody where a request began. Its cookie is SameSite=None.'),
		...sentTo(seen, forged),
		found(`the weakened session was used ${moved ? 'by the attacker’s page' : 'by nobody'}`, WEAKENED_COOKIE, !moved),
	];
	return { here: judged(here), weakened: judged(weakened) };
}

/** @param {BrowserRun} own @param {Window} popup @returns {Promise<Sides>} */
async function loginCsrf({ run, attacker, account }, popup) {
	popup.location.href = `${attacker}/lab/attacker-site/attacker/login-csrf?lab_run=${run}`;
	const seen = await watch(run, (all) => navigated(all, '/login'));
	const here = [said(`A page at ${attacker} posts the attacker’s address and password to the log-in form.`)];
	for (const sent of sentTo(seen, '/login')) {
		here.push(sent, found(`the log-in was refused: ${sent.status}`, ORIGIN, sent.status === 403));
		here.push(found('no session was handed out', ORIGIN, !sent.set_cookies.includes(REFRESH)));
	}
	const { name } = await api.weakened(run, 'whoami', 'GET');
	const weakened = [
		said('The same form goes to a log-in that asks nobody where it came from.'),
		...sentTo(seen, '/lab/attacker-site/weakened/login'),
		found(`this browser is logged in as ${name || 'nobody'}`, WEAKENED_COOKIE, name !== account.email),
	];
	return { here: judged(here), weakened: judged(weakened) };
}

/** @param {BrowserRun} own @param {Window} popup @returns {Promise<Sides>} */
async function clickjacking({ run, attacker }, popup) {
	popup.location.href = `${attacker}/lab/attacker-site/attacker/clickjacking?lab_run=${run}`;
	const seen = await watch(run, (all) => saidBy(all, 'attacker'));
	/** @param {string} text @param {string} path @param {string} by */
	const tell = (text, path, by) => {
		const sent = sentTo(seen, path);
		const empty = sent.length > 1; // asked for anew, because there was no page to move on
		return judged([
			said(text),
			...sent.slice(0, 1),
			found(`the frame ${empty ? 'stays empty' : 'shows the page, ready to be clicked'}`, by, empty),
		]);
	};
	return {
		here: tell(`A page at ${attacker} frames the log-in page.`, '/login', POLICY),
		weakened: tell('It frames a page that says nothing about frames.', '/lab/attacker-site/weakened/framed', WEAKENED_COOKIE),
	};
}

/**
 * The findings of injected script that looked everywhere.
 *
 * @param {ReportOf<'here' | 'weakened'>} report
 * @param {string} by
 */
const searched = ({ found: places }, by) =>
	Object.entries(places).map(([place, { length }]) =>
		found(length ? `${place}: ${length} found` : `${place}: no token`, by, !length));

/** @param {BrowserRun} own @param {Window} popup @returns {Promise<Sides>} */
async function tokensInStorage({ run }, popup) {
	popup.location.href = `/lab/attacker-site/injected/search?lab_run=${run}`;
	const here = await reportOf(run, 'here');
	popup.location.href = `/lab/attacker-site/injected/search?weakened&lab_run=${run}`;
	const weakened = await reportOf(run, 'weakened');
	const [stolen = ''] = weakened.found.localStorage ?? [];
	localStorage.removeItem('lab-token');
	const answer = await fetch('/api/me', { credentials: 'omit', headers: { authorization: `Bearer ${stolen}` } });
	return {
		here: judged([
			said('A page that is logged in by session.js, with its policy off. A script that was injected into it looks everywhere.'),
			...searched(here, MODULE),
		]),
		weakened: judged([
			said('The same script in a page that keeps its token in localStorage.'),
			...searched(weakened, WEAKENED_STORE).filter(({ held }) => !held),
			said('The thief shows what was found, from elsewhere and without a cookie.'),
			{
				kind: 'exchange', who: 'thief', status: answer.status, times: 1,
				request: `GET /api/me\nAuthorization: Bearer ${stolen.slice(0, 9)}…`,
				answer: `${answer.status}\n\n${await answer.text()}`,
			},
			found(`the stolen token is answered ${answer.status}`, WEAKENED_STORE, !answer.ok),
		]),
	};
}

/** @param {BrowserRun} own @param {Window} popup @returns {Promise<Sides>} */
async function xssTokenTheft(own, popup) {
	popup.location.href = `/lab/page/guarded?lab_run=${own.run}`;
	const { ran, stopped } = await reportOf(own.run, 'guarded');
	const { here, weakened } = await tokensInStorage(own, popup);
	const first = [
		said('Inline script, an event handler and a foreign script, injected into a page with the policy of all pages.'),
		found(`what ran: ${ran || 'nothing'}`, POLICY, !ran),
		found(`the policy stopped ${stopped.length} of 3`, POLICY, stopped.length === 3),
	];
	return { here: judged([...first, ...here.steps]), weakened };
}

/** @param {BrowserRun} own @param {Window} popup @returns {Promise<Sides>} */
async function sessionFixation({ run, logged_in }, popup) {
	popup.location.href = `/lab/attacker-site/injected/plant?lab_run=${run}`;
	const { planted, said: refusal } = await reportOf(run, 'planter');
	const seen = await api.seen(run);
	const sent = sentTo(seen, '/lab/attacker-site/weakened/whoami').slice(-1);
	const here = [
		said(`Script that was injected into a page sets ${REFRESH} by document.cookie and by cookieStore.`),
		...sent,
		found(`document.cookie: ${planted.here ? 'planted' : 'the browser refused'}`, NAMES, !planted.here),
		found(`cookieStore: ${refusal}`, NAMES, refusal !== 'planted'),
	];
	if (logged_in) here.push(found('your own session goes on', NAMES, await alive()));
	const arrived = sent.some((one) => has(one, 'lab-weakened-login'));
	const weakened = [
		said('The same script sets a session cookie with a plain name.'),
		...sent,
		found(`the server ${arrived ? 'gets the planted session' : 'gets no planted session'}`, WEAKENED_COOKIE, !arrived),
	];
	return { here: judged(here), weakened: judged(weakened) };
}

/**
 * Each with whether it needs another site, and a session to attack.
 *
 * @type {Record<string, { play: (own: BrowserRun, popup: Window) => Promise<Sides>, site: boolean, victim: boolean }>}
 */
const ATTACKS = {
	'csrf-on-refresh': { play: csrfOnRefresh, site: true, victim: true },
	'login-csrf': { play: loginCsrf, site: true, victim: false },
	clickjacking: { play: clickjacking, site: true, victim: false },
	'xss-token-theft': { play: xssTokenTheft, site: false, victim: true },
	'tokens-in-localstorage': { play: tokensInStorage, site: false, victim: true },
	'session-fixation': { play: sessionFixation, site: false, victim: false },
};

/** The window for the attacker, to be opened by a click. */
export function raise() {
	const popup = open('', '', 'popup,width=520,height=680');
	if (popup) {
		popup.document.title = 'The attacker’s window';
		popup.document.body.append('The attack is being prepared…');
		popup.document.documentElement.style.colorScheme = 'light dark';
	}
	return popup;
}

/** Runs an attack in `popup`; what it used is cleared away, and a session of one's own stays.
 * @param {string} slug @param {Window | null} popup @returns {Promise<Sides>} */
export async function run(slug, popup) {
	const { play, site, victim } = /** @type {(typeof ATTACKS)[string]} */ (ATTACKS[slug]);
	if (!popup) return { here: notRun(BLOCKED), weakened: notRun(BLOCKED) };
	const own = await api.open();
	const thrown = victim && !own.logged_in;
	try {
		if (site && !own.attacker) return { here: notRun(NO_OTHER_SITE), weakened: notRun(NO_OTHER_SITE) };
		if (thrown) await session.login(own.account);
		return await play(own, popup);
	} catch (error) {
		const { message } = /** @type {Error} */ (error);
		return { here: notRun(message), weakened: notRun(message) };
	} finally {
		if (!site || !own.attacker) popup.close();
		await api.weakened(own.run, 'leave').catch(() => {});
		if (thrown) await session.logout().catch(() => {});
		await api.close(own.run).catch(() => {});
	}
}
