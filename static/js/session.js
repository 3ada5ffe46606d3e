/**
 * The session of this page. The access token is in one variable here, the refresh token in a cookie
 * that no script can read, and the key that both are bound to in `dpop.js`.
 */

import { currentKey, discardKey, makePendingKey, promoteKey, rememberNonce } from './dpop.js';
import { NoStorage, forgetAll, logoutIsWanted, rememberLogout } from './store.js';

/** @import { TokenResponse } from './types.d.ts' */
/** @import { BrowserKey } from './dpop.js' */

/**
 * @typedef {'unknown' | 'logged_in' | 'changed' | 'hidden' | 'logging_out' | 'logout_pending' | 'logged_out' | 'session_ended'} Status
 *     `changed`: another session began in this browser. `logout_pending`: the server could not be told yet.
 * @typedef {{ status: Status, user: { id: string, email: string } | null, expiresAt: number }} State
 *     `expiresAt` is the end of the access token in milliseconds by performance.now().
 *
 * Whatever asks the server rejects with an Error with `code` (the server's, or `unreachable`,
 * `superseded`, `logging_out`), `status` (0 without an answer) and `retryAfter` in seconds.
 */

const { fetch } = globalThis;
const { parse } = JSON;
const { apply } = Reflect;
const { text } = Response.prototype;

/**
 * `attempts`: how often it is sent while that may help. `inTurn`: one tab at a time. `isLogin` and
 * `newKey`: it begins a session, with a key of its own. None outlives its page: a cookie must not
 * come when nobody is there any more to keep the key that it is bound to.
 */
const REGISTER = { path: '/auth/register', attempts: 1 };
const LOGIN = { path: '/auth/login', attempts: 1, inTurn: true, newKey: true, isLogin: true };
const PASSWORD = { path: '/auth/password', attempts: 1, inTurn: true, newKey: true };
const REFRESH = { path: '/auth/refresh', attempts: 3, inTurn: true };

const FIRST_PAUSE_MS = 600;
const MAX_PAUSE_MS = 8_000;
const REQUEST_MS = 15_000;
const TURN_MS = 20_000;
const EARLY_MS = 10_000;
const LOGOUT_PAUSE_MS = 1_000;
const MAX_LOGOUT_PAUSE_MS = 60_000;

/** @type {any} */ let token = null; // without prototype, where a getter could be planted
let expiresAt = 0;
let epoch = 0; // an earlier one's answers are not taken over
/** @type {State} */ let state = { status: 'unknown', user: null, expiresAt };
let refreshing;
/** @type {any} */ let leaving = null; // a log-out that the server may not know of
let loggingIn = 0;
const listeners = [];
const channel = globalThis.BroadcastChannel && new BroadcastChannel('latchkey');

const isOver = () => ['logged_out', 'session_ended'].includes(state.status);

const refusal = ({ headers, status }, problem = {}) =>
	failure({ ...problem, status }, Number(headers.get('retry-after')) || 0);

const failure = ({ code = 'unreachable', detail = 'The server could not be reached.', status = 0 }, retryAfter = 0) =>
	Object.assign(Error(detail), { code, status, retryAfter });

function superseded() {
	if (leaving) return failure({ code: 'logging_out', detail: 'You are being logged out.' });
	return failure({ code: isOver() ? 'session_ended' : 'superseded', detail: 'A login or logout came first.' });
}

function publish(status, user = state.user) {
	state = { status, user, expiresAt };
	for (const listener of listeners) listener(state);
	return state;
}

function overtake() {
	epoch += 1;
	refreshing = null;
}

function clearToken(status, user = state.user) {
	overtake();
	token = null;
	expiresAt = 0;
	return publish(status, user);
}

/** @param {TokenResponse} answer */
function acceptTokenResponse({ access_token, token_type, expires_in, user }, { key, sentAt, isNew }) {
	if (isNew) {
		overtake();
		channel?.postMessage('changed');
	}
	const isStranger = state.user && state.user.id !== user.id;
	token = { __proto__: null, type: token_type, value: access_token, key };
	expiresAt = sentAt + expires_in * 1000;
	return publish(isStranger ? 'changed' : 'logged_in', user);
}

/**
 * Sends one request; a refused proof is made anew once.
 *
 * @param {BrowserKey | null} key whose proof goes with it
 * @returns {Promise<Response>}
 */
async function request(url, init, bearer, key, isFirst = true) {
	try {
		/** @type {any} */ const headers = { __proto__: null, ...Object.fromEntries(new Headers(init.headers)) };
		if (key) headers.dpop = await key.prove(init.method ?? 'GET', url, bearer?.value);
		if (bearer) headers.authorization = `${bearer.type} ${bearer.value}`;
		const response = await fetch(url, /** @type {any} */ ({
			__proto__: null, signal: AbortSignal.timeout(REQUEST_MS), ...init, headers,
			credentials: 'same-origin', mode: 'same-origin', cache: 'no-store', redirect: 'error',
		}));
		rememberNonce(response.headers.get('dpop-nonce'));
		if (!key || !isFirst || ![400, 401].includes(response.status)) return response;
		const { code } = await response.clone().json().catch(() => ({}));
		const isProofRefused = ['use_dpop_nonce', 'invalid_dpop_proof'].includes(code);
		return isProofRefused ? request(url, init, bearer, key, false) : response;
	} catch (error) {
		throw init.signal?.aborted ? error : failure({});
	}
}

/** One tab at a time; who waited for 20 s goes on without. @template T @param {(isAlone: boolean) => Promise<T>} act */
async function withTabLock(act) {
	let release = () => {};
	const isAlone = await new Promise((enter) => {
		const hold = () => new Promise((done) => {
			release = () => done(null);
			enter(true);
		});
		const signal = AbortSignal.timeout(TURN_MS);
		(navigator.locks?.request('latchkey', { signal }, hold) ?? Promise.reject(Error())).catch(() => enter(false));
	});
	try {
		return await act(isAlone);
	} finally {
		release();
	}
}

/** @returns {Promise<BrowserKey | null>} the key whose proof the request needs */
async function keyFor(endpoint, bearer, isAlone) {
	if (bearer) return bearer.type === 'DPoP' ? bearer.key : null;
	if (endpoint !== REFRESH) return null;
	try {
		return await currentKey(isAlone);
	} catch {
		throw failure({}); // without a proof a bound session would end
	}
}

async function attempt(endpoint, bearer, body, isAlone, checkCurrent) {
	checkCurrent();
	if (endpoint === REFRESH && (leaving || await isLogoutAsked())) throw finishLogout();
	const newKey = endpoint.newKey ? await makePendingKey() : null;
	const key = endpoint.isLogin ? newKey : await keyFor(endpoint, bearer, isAlone);
	const sent = newKey && !endpoint.isLogin ? { ...body, dpop_jkt: newKey.thumbprint } : body;
	checkCurrent();
	const sentAt = performance.now();
	const init = { method: 'POST', headers: { 'content-type': 'application/json' }, body: JSON.stringify(sent) };
	let isAccepted = false;
	try {
		const response = await request(endpoint.path, init, bearer, key);
		isAccepted = response.status === 200;
		// First of all: the cookie is in the browser, and a refresh needs the key that it is bound to.
		if (isAccepted && endpoint.newKey && (newKey || endpoint.isLogin)) await promoteKey(newKey, !!endpoint.isLogin);
		return await takeOver(response, { key: newKey ?? key ?? bearer?.key, sentAt, isNew: body }, checkCurrent);
	} catch (error) {
		if (error.code === 'session_ended' && key) await discardKey(key);
		throw error;
	} finally {
		if (newKey && !isAccepted) await discardKey(newKey);
	}
}

async function takeOver(response, grant, checkCurrent) {
	let data = parse('{}');
	try {
		data = parse(await apply(text, response, []));
	} catch {} // a proxy's page, or cut short
	checkCurrent();
	const { ok, status } = response;
	if (data.access_token) {
		leaving = null;
		return acceptTokenResponse(data, grant);
	}
	if (ok && status !== 200) return state;
	if (status === 401 && data.code === 'session_ended') clearToken('session_ended', null);
	throw refusal(response, data);
}

const sleep = (ms) => new Promise((resolve) => setTimeout(resolve, ms * (1 + Math.random() / 2)));

/** Sends a POST, again while that may help: on 429, on 5xx and without an answer. */
async function send(endpoint, bearer, body) {
	const begun = epoch;
	const checkCurrent = () => {
		if (epoch !== begun) throw superseded();
	};
	for (let left = endpoint.attempts, pause = FIRST_PAUSE_MS; ; pause *= 2) {
		const once = (isAlone) => attempt(endpoint, bearer, body, isAlone, checkCurrent);
		try {
			return await (endpoint.inTurn ? withTabLock(once) : once(false));
		} catch (error) {
			checkCurrent();
			const isTemporary = error.code === 'unreachable' || error.status === 429 || error.status > 499;
			pause = error.retryAfter * 1000 || pause;
			left -= 1;
			if (!isTemporary || !left || pause > MAX_PAUSE_MS) throw error;
		}
		await sleep(pause);
	}
}

/** Exchanges the cookie for a new access token. @returns {Promise<State>} */
export const refresh = () => (refreshing ??= send(REFRESH).finally(() => (refreshing = null)));

/** Opens an account; it logs nobody in. @param {{ email: string, password: string }} credentials */
export const register = (credentials) => send(REGISTER, null, credentials);

/**
 * Logs in, with a new key; ends the session that this browser had, and a wish to log out of it.
 *
 * @param {{ email: string, password: string, remember?: boolean }} credentials
 * @returns {Promise<State>}
 */
export async function login(credentials) {
	overtake();
	loggingIn += 1;
	try {
		return await send(LOGIN, null, credentials);
	} finally {
		loggingIn -= 1;
	}
}

/**
 * Logs out. The token is gone at once. A rejection means that the server has not heard of it yet:
 * it will as soon as it can be reached, also by another page or after a reload.
 *
 * @returns {Promise<State>}
 */
export async function logout() {
	const bearer = performance.now() < expiresAt ? token : null;
	const mine = (leaving = { isStored: false });
	clearToken('logging_out');
	await rememberLogout().then(() => (mine.isStored = true), () => {}); // else this page alone remembers
	channel?.postMessage('logging_out');
	try {
		await tellServer(bearer);
	} catch (error) {
		if (leaving === mine) {
			publish('logout_pending');
			tellUntilHeard(mine);
		}
		throw error;
	}
	return loggedOut(mine);
}

async function loggedOut(mine) {
	if (leaving !== mine) return state;
	await forgetAll().catch(() => {}); // at worst the next page logs out once more
	channel?.postMessage('logged_out');
	leaving = null;
	return loggingIn ? state : clearToken('logged_out', null);
}

/** Whether the server may not know of a log-out; rejects when the store does not answer. */
async function isLogoutAsked() {
	try {
		return await logoutIsWanted();
	} catch (error) {
		if (error instanceof NoStorage) return false;
		throw failure({});
	}
}

/** Takes up another page's log-out. @returns {Error} for whoever wanted a token */
function finishLogout() {
	if (!leaving) {
		leaving = { isStored: true };
		clearToken('logging_out');
		tellUntilHeard(leaving, 0);
	}
	return superseded();
}

/** Goes on until the server has heard, or a log-in came first. */
async function tellUntilHeard(mine, pause = LOGOUT_PAUSE_MS) {
	while (leaving === mine) {
		const online = new Promise((resolve) => addEventListener('online', resolve, { once: true }));
		await Promise.race([sleep(pause), online]);
		try {
			await withTabLock(() => tellOnce(mine));
		} catch (error) {
			pause = Math.min(error.retryAfter * 1000 || 2 * pause + LOGOUT_PAUSE_MS, MAX_LOGOUT_PAUSE_MS);
			if (leaving === mine) publish('logout_pending');
		}
	}
}

async function tellOnce(mine) {
	if (leaving !== mine) return;
	if (mine.isStored && !await isLogoutAsked()) { // another tab told it, or somebody logged in
		leaving = null;
		if (!loggingIn) clearToken('changed');
		return;
	}
	await tellServer();
	await loggedOut(mine);
}

/**
 * The cookie alone ends its session; the access token helps where the cookie is gone.
 *
 * @param {any} [bearer]
 */
async function tellServer(bearer) {
	const response = await request('/auth/logout', { method: 'POST', keepalive: true }, bearer, bearer?.key ?? null);
	if (!response.ok) throw refusal(response);
}

/** Once more with a new token after 401; never as another user. */
async function authorized(run, isFirst = true, user = state.user) {
	if (isOver() || leaving) throw superseded();
	if (performance.now() > expiresAt - EARLY_MS) await refresh();
	if (user && user.id !== state.user?.id) throw superseded();
	const used = token;
	const answer = await run(used).catch((error) => error);
	if (answer.status === 401 && isFirst) {
		if (token === used) expiresAt = 0;
		return authorized(run, false, user);
	}
	if (answer instanceof Error) throw answer;
	return answer;
}

/**
 * Changes the password: every session of the user ends, and a new one begins here with a new key.
 *
 * @param {Record<string, any>} passwords `current_password` and `new_password`
 * @returns {Promise<State>}
 */
export const changePassword = (passwords) => authorized((bearer) => send(PASSWORD, bearer, passwords));

/** fetch() with the access token, to this origin only. @returns {Promise<Response>} */
export async function authorizedFetch(input, init = {}) {
	const { origin, href } = new URL(input, location.href);
	if (origin !== location.origin || (typeof input !== 'string' && !(input instanceof URL))) {
		throw new TypeError('Not a URL of this origin.');
	}
	return authorized((bearer) => request(href, init, bearer, bearer.type === 'DPoP' ? bearer.key : null));
}

/** Calls `listener` now and at every change. @param {(state: State) => void} listener */
export function onChange(listener) {
	listeners.push(listener);
	listener(state);
}

channel?.addEventListener('message', ({ data }) => {
	if (data === 'logging_out') {
		if (!leaving && !loggingIn && !isOver()) {
			const mine = (leaving = { isStored: false });
			clearToken('logging_out');
			isLogoutAsked().then((isAsked) => (mine.isStored = isAsked), () => {});
			tellUntilHeard(mine);
		}
	} else if (data === 'logged_out') {
		leaving = null;
		if (!loggingIn) clearToken('logged_out', null);
	} else {
		const wasLeaving = leaving;
		leaving = null; // the log-in came after the log-out, and its session stays
		if (state.user || (wasLeaving && !loggingIn)) clearToken('changed');
	}
});

addEventListener('pagehide', () => clearToken('hidden')); // a page kept for the way back keeps no token

// A log-out that an earlier page could not finish.
isLogoutAsked().then((isAsked) => isAsked && !loggingIn && finishLogout(), () => {}); // a refresh asks again
