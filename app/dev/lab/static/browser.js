/** The attacks that need a browser: this one, with its own session or a throwaway one. */

import * as session from '/static/js/session.js';
import * as api from './api.js';

/** @import { BrowserRun, Finding, Run, Seen, Sides, Step } from './types.d.ts' */

const ORIGIN = 'app/web/origin.py:check_origin';
const COOKIE = 'app/web/cookies.py:_set';
const NAMES = 'app/web/cookies.py:REFRESH';
const POLICY = 'app/web/headers.py:CONTENT_SECURITY_POLICY';
const MODULE = 'static/js/session.js:acceptTokenResponse';
const NAIVE_COOKIE = 'app/dev/lab/stage.py:_naive';
const NAIVE_STORE = 'app/dev/lab/static/inside-naive.js:keep';
const REFRESH = '__Host-Http-refresh';

const SECONDS = 15;
const NO_OTHER_SITE = 'PUBLIC_URL names neither localhost nor 127.0.0.1, so this machine has no second name to be another site.';
const BLOCKED = 'The browser opened no second window. Allow pop-ups for this site, then run it again.';

const said = (text) => /** @type {Step} */ ({ kind: 'said', text });
const found = (text, by, held) => /** @type {Finding} */ ({ kind: 'finding', text, held, by });
const pause = (time) => new Promise((done) => setTimeout(done, time));

/** @param {Step[]} steps @returns {Run} */
function judged(steps) {
	const findings = steps.filter(({ kind }) => kind === 'finding');
	const held = findings.length && findings.every((one) => /** @type {Finding} */ (one).held);
	return { verdict: held ? 'held' : 'got_through', why: '', steps, picture: [] };
}

/** @param {string} why @returns {Run} */
const notRun = (why) => ({ verdict: 'broken', why, steps: [], picture: [] });

/** What was seen of a run, once `enough` of it was. @param {string} run */
async function watch(run, enough) {
	for (let left = SECONDS * 5; left; left -= 1) {
		const notes = await api.seen(run);
		if (enough(notes)) return notes;
		await pause(200);
	}
	throw Error('The second window did not come to its end. Leave it open until it has, and run it again.');
}

/** Whether this browser's session goes on. */
const alive = () => session.refresh().then(({ status }) => status === 'logged_in', () => false);

const saidBy = (notes, who) => notes.find(({ kind, from }) => kind === 'said' && from === who);
/** @returns {Seen[]} */
const sentTo = (notes, path) => notes.filter((note) => note.path === path);
const navigated = (notes, path) => sentTo(notes, path).some(({ mode }) => mode === 'navigate');

const has = ({ cookies }, name) => cookies.includes(name);

/** @param {BrowserRun} own @param {Window} stage @returns {Promise<Sides>} */
async function csrfOnRefresh({ run, attacker }, stage) {
	const path = '/auth/refresh';
	const forged = '/lab/stage/naive/refresh';
	const { used } = await api.naive(run, 'session');
	stage.location.href = `${attacker}/lab/stage/attacker/csrf-on-refresh?lab_run=${run}`;
	const notes = await watch(run, (all) => navigated(all, path));
	const here = [said(`A page at ${attacker} has this browser post to ${path}: by script, and as a form.`)];
	for (const sent of sentTo(notes, path)) {
		const how = sent.mode === 'navigate' ? 'the form' : 'the script';
		here.push(sent, found(`${how} brought no refresh cookie`, COOKIE, !has(sent, REFRESH)));
		here.push(found(`${how} was refused: ${sent.status}`, ORIGIN, sent.status === 403));
	}
	here.push(found('nothing was used up: the session goes on', ORIGIN, await alive()));
	const moved = (await api.naive(run, 'whoami', 'GET')).used - used;
	const naive = [
		said('The same page posts to an endpoint that asks nobody where a request began. Its cookie is SameSite=None.'),
		...sentTo(notes, forged),
		found(`the naive session was used ${moved ? 'by the attacker’s page' : 'by nobody'}`, NAIVE_COOKIE, !moved),
	];
	return { here: judged(here), naive: judged(naive) };
}

/** @param {BrowserRun} own @param {Window} stage @returns {Promise<Sides>} */
async function loginCsrf({ run, attacker, account }, stage) {
	stage.location.href = `${attacker}/lab/stage/attacker/login-csrf?lab_run=${run}`;
	const notes = await watch(run, (all) => navigated(all, '/login'));
	const here = [said(`A page at ${attacker} posts the attacker’s address and password to the log-in form.`)];
	for (const sent of sentTo(notes, '/login')) {
		here.push(sent, found(`the log-in was refused: ${sent.status}`, ORIGIN, sent.status === 403));
		here.push(found('no session was handed out', ORIGIN, !sent.set_cookies.includes(REFRESH)));
	}
	const { name } = await api.naive(run, 'whoami', 'GET');
	const naive = [
		said('The same form goes to a log-in that asks nobody where it came from.'),
		...sentTo(notes, '/lab/stage/naive/login'),
		found(`this browser is logged in as ${name || 'nobody'}`, NAIVE_COOKIE, name !== account.email),
	];
	return { here: judged(here), naive: judged(naive) };
}

/** @param {BrowserRun} own @param {Window} stage @returns {Promise<Sides>} */
async function clickjacking({ run, attacker }, stage) {
	stage.location.href = `${attacker}/lab/stage/attacker/clickjacking?lab_run=${run}`;
	const notes = await watch(run, (all) => saidBy(all, 'attacker'));
	const tell = (text, path, by) => {
		const sent = sentTo(notes, path);
		const empty = sent.length > 1; // asked for anew, because there was no page to move on
		return judged([
			said(text),
			...sent.slice(0, 1),
			found(`the frame ${empty ? 'stays empty' : 'shows the page, ready to be clicked'}`, by, empty),
		]);
	};
	return {
		here: tell(`A page at ${attacker} frames the log-in page.`, '/login', POLICY),
		naive: tell('It frames a page that says nothing about frames.', '/lab/stage/naive/framed', NAIVE_COOKIE),
	};
}

/** The findings of injected script that looked everywhere. */
const searched = ({ found: places }, by) =>
	Object.entries(places).map(([place, { length }]) =>
		found(length ? `${place}: ${length} found` : `${place}: no token`, by, !length));

/** @param {BrowserRun} own @param {Window} stage @returns {Promise<Sides>} */
async function tokensInStorage({ run }, stage) {
	stage.location.href = `/lab/stage/injected/search?lab_run=${run}`;
	const here = saidBy(await watch(run, (all) => saidBy(all, 'here')), 'here');
	stage.location.href = `/lab/stage/injected/search?naive&lab_run=${run}`;
	const naive = saidBy(await watch(run, (all) => saidBy(all, 'naive')), 'naive');
	const [stolen = ''] = naive.found.localStorage;
	localStorage.removeItem('lab-token');
	const answer = await fetch('/api/me', { credentials: 'omit', headers: { authorization: `Bearer ${stolen}` } });
	return {
		here: judged([
			said('A page that is logged in by session.js, with its policy off. A script that was injected into it looks everywhere.'),
			...searched(here, MODULE),
		]),
		naive: judged([
			said('The same script in a page that keeps its token in localStorage.'),
			...searched(naive, NAIVE_STORE).filter(({ held }) => !held),
			said('The thief shows what was found, from elsewhere and without a cookie.'),
			{
				kind: 'exchange', who: 'thief', status: answer.status, times: 1,
				request: `GET /api/me\nAuthorization: Bearer ${stolen.slice(0, 9)}…`,
				answer: `${answer.status}\n\n${await answer.text()}`,
			},
			found(`the stolen token is answered ${answer.status}`, NAIVE_STORE, !answer.ok),
		]),
	};
}

/** @param {BrowserRun} own @param {Window} stage @returns {Promise<Sides>} */
async function xssTokenTheft(own, stage) {
	stage.location.href = `/lab/page/guarded?lab_run=${own.run}`;
	const { ran, stopped } = saidBy(await watch(own.run, (all) => saidBy(all, 'guarded')), 'guarded');
	const { here, naive } = await tokensInStorage(own, stage);
	const first = [
		said('Inline script, an event handler and a foreign script, injected into a page with the policy of all pages.'),
		found(`what ran: ${ran || 'nothing'}`, POLICY, !ran),
		found(`the policy stopped ${stopped.length} of 3`, POLICY, stopped.length === 3),
	];
	return { here: judged([...first, ...here.steps]), naive };
}

/** @param {BrowserRun} own @param {Window} stage @returns {Promise<Sides>} */
async function sessionFixation({ run, logged_in }, stage) {
	stage.location.href = `/lab/stage/injected/plant?lab_run=${run}`;
	const notes = await watch(run, (all) => saidBy(all, 'planter'));
	const { planted, said: refusal } = saidBy(notes, 'planter');
	const sent = sentTo(notes, '/lab/stage/naive/whoami').slice(-1);
	const here = [
		said(`Script that was injected into a page sets ${REFRESH} by document.cookie and by cookieStore.`),
		...sent,
		found(`document.cookie: ${planted.here ? 'planted' : 'the browser refused'}`, NAMES, !planted.here),
		found(`cookieStore: ${refusal}`, NAMES, refusal !== 'planted'),
	];
	if (logged_in) here.push(found('your own session goes on', NAMES, await alive()));
	const arrived = sent.some((one) => has(one, 'lab-naive-login'));
	const naive = [
		said('The same script sets a session cookie with a plain name.'),
		...sent,
		found(`the server ${arrived ? 'gets the planted session' : 'gets no planted session'}`, NAIVE_COOKIE, !arrived),
	];
	return { here: judged(here), naive: judged(naive) };
}

/** Each with whether it needs another site, and a session to attack. */
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
	const stage = open('', '', 'popup,width=520,height=680');
	if (stage) {
		stage.document.title = 'The stage';
		stage.document.body.append('The stage is being set…');
		stage.document.documentElement.style.colorScheme = 'light dark';
	}
	return stage;
}

/** Runs an attack in `stage`; what it used is cleared away, and a session of one's own stays.
 * @param {string} slug @param {Window | null} stage @returns {Promise<Sides>} */
export async function run(slug, stage) {
	const { play, site, victim } = ATTACKS[slug];
	if (!stage) return { here: notRun(BLOCKED), naive: notRun(BLOCKED) };
	const own = await api.open();
	const thrown = victim && !own.logged_in;
	try {
		if (site && !own.attacker) return { here: notRun(NO_OTHER_SITE), naive: notRun(NO_OTHER_SITE) };
		if (thrown) await session.login(own.account);
		return await play(own, stage);
	} catch ({ message }) {
		return { here: notRun(message), naive: notRun(message) };
	} finally {
		if (!site || !own.attacker) stage.close();
		await api.naive(own.run, 'leave').catch(() => {});
		if (thrown) await session.logout().catch(() => {});
		await api.close(own.run).catch(() => {});
	}
}
