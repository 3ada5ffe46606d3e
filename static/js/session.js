/**
 * The session of this page. docs/browser-module.md says how to use it, internal.d.ts names the types.
 *
 * The access token is in a variable of this module, the refresh token in a cookie that no script can
 * read; both are bound to a key that cannot be copied. Injected script can act as the user while the
 * page is open, and can take nothing away.
 */

import { isLogoutWanted, makeLogout } from './logout.js';
import { SessionError, onRequest, refusal, request, send, throwUnreachable } from './transport.js';

// Calls that ask the server reject with it; internal.d.ts names its fields.
export { SessionError, onRequest };

/** A token this close to its end is replaced first. */
const EARLY_MS = 10_000;

/** Only a log-in ends these. */
const OVER = new Set(['logged_out', 'session_ended']);

/** @type {AccessToken | null} */
let token = null;
let tokenCount = 0;
let expiresAt = 0;
/** @type {State} */
let state = { status: 'unknown', user: null, expiresAt, passwordBreached: false };
/** Grows with each log-in and log-out: an answer from an earlier epoch is dropped. */
let epoch = 0;
/** @type {Promise<State> | null} */
let refreshing = null;
let loginsInFlight = 0;
/** @type {Listener[]} */
const listeners = [];

/** To the other tabs; it never carries a token. */
const channel = globalThis.BroadcastChannel && new BroadcastChannel('latchkey');

const logoutTask = makeLogout(
	(status) => {
		if (status === 'logout_pending') publish(status);
		else if (status === 'logging_out' || !loginsInFlight) clearToken(status);
	},
	(message) => channel?.postMessage(message),
);

/**
 * Opens an account with a mailed link, and logs in.
 *
 * @param {NewPasswordByLink} choice
 * @returns {Promise<State>}
 * @throws {SessionError} `invalid_link`, `weak_password`
 */
export const register = (choice) => begin('register/finish', choice);

/**
 * Logs in. The session that this browser had ends.
 *
 * @param {Credentials & { remember?: boolean }} credentials `remember`: the session outlives the browser
 * @returns {Promise<State>}
 * @throws {SessionError} `invalid_credentials`
 */
export const login = (credentials) => begin('login', credentials);

/**
 * Gets a new access token. authorizedFetch does it when it has to.
 *
 * @returns {Promise<State>}
 * @throws {SessionError} `session_ended`
 */
export function refresh() {
	const mine = refreshing ?? ask('refresh').finally(() => {
		if (refreshing === mine) refreshing = null;
	});
	refreshing = mine;
	return mine;
}

/**
 * Changes the password. All sessions of the user end, and a new one begins here.
 *
 * @param {{ current_password: string, new_password: string }} passwords
 * @returns {Promise<State>}
 * @throws {SessionError} `wrong_password`, `weak_password`, `session_ended`
 */
export const changePassword = (passwords) => withToken((bearer) => ask('password', bearer, passwords));

/**
 * Logs out. The token is gone at once, in all tabs.
 *
 * @returns {Promise<State>}
 * @throws {SessionError} when the server has not heard of it: it is told as soon as it can be reached
 */
export async function logout() {
	await logoutTask.start(performance.now() < expiresAt ? token : null);
	return state;
}

/**
 * fetch() with the access token and its proof.
 *
 * @param {string | URL} input of this origin, else it rejects with a TypeError
 * @param {RequestInit} [init] a `signal` replaces the time limit of 15 s
 * @returns {Promise<Response>} any answer: look at `ok`
 * @throws {SessionError} `session_ended`, `reauthentication_cancelled` (a dialog asked for the password)
 */
export async function authorizedFetch(input, init = {}) {
	const { origin, href } = new URL(input, location.href);
	if (origin !== location.origin || (typeof input !== 'string' && !(input instanceof URL))) {
		throw new TypeError('Not a URL of this origin.');
	}
	return withToken((bearer) => request(href, init, bearer));
}

/** Calls `listener` with the state now, and at each change, also of another tab. @param {Listener} listener */
export function onChange(listener) {
	listeners.push(listener);
	listener(state);
}

// -- the state --

/** @param {Status} status */
function publish(status, user = state.user, passwordBreached = false) {
	state = { status, user, expiresAt, passwordBreached };
	for (const listener of listeners) listener(state);
	return state;
}

/** What is under way belongs to the past. */
function overtake() {
	epoch += 1;
	refreshing = null;
}

/** @param {Status} status */
function clearToken(status) {
	overtake();
	token = null;
	expiresAt = 0;
	publish(status, OVER.has(status) ? null : state.user);
}

/** The error of what was overtaken. */
function superseded() {
	if (logoutTask.isUnfinished()) return new SessionError('logging_out', 'You are being logged out.');
	const code = OVER.has(state.status) ? 'session_ended' : 'superseded';
	return new SessionError(code, 'A login or logout came first.');
}

/** @param {TokenResponse} data @param {Answer} answer */
function acceptTokenResponse({ access_token, token_type, expires_in, user, password_breached }, { key, sentAt }) {
	const isOtherUser = state.user && state.user.id !== user.id;
	const boundTo = token_type === 'DPoP' ? key : null;
	token = /** @type {AccessToken} */ ({ __proto__: null, type: token_type, value: access_token, key: boundTo, number: ++tokenCount });
	expiresAt = sentAt + expires_in * 1000; // from sending on: rather too early
	return publish(isOtherUser ? 'changed' : 'logged_in', user, password_breached);
}

/** @param {Answer} answer */
function accept(answer) {
	const { response, data, isNew } = answer;
	if (data.access_token) {
		logoutTask.cancel();
		if (isNew) {
			overtake();
			channel?.postMessage('changed');
		}
		return acceptTokenResponse(data, answer);
	}
	if (response.status === 401 && data.code === 'session_ended') clearToken('session_ended');
	throw refusal(response, data);
}

// -- asking the server --

/** Asks an endpoint, unless a log-in or log-out comes first. @type {Ask} */
function ask(name, bearer = null, body) {
	const begun = epoch;
	const checkEpoch = () => {
		if (epoch !== begun) throw superseded();
	};
	return send({
		name,
		token: bearer,
		body,
		async beforeSending() {
			if (name === 'refresh') await checkNoLogout();
			checkEpoch();
		},
		accept(answer) {
			checkEpoch();
			return accept(answer);
		},
	});
}

/** @type {Begin} */
async function begin(name, body) {
	overtake();
	loginsInFlight += 1;
	try {
		return await ask(name, null, body);
	} finally {
		loginsInFlight -= 1;
	}
}

/** Throws while a log-out is not finished, also an earlier page's: a refresh would undo it. */
async function checkNoLogout() {
	const isWanted = logoutTask.isUnfinished() || await isLogoutWanted().catch(throwUnreachable);
	if (isWanted && !loginsInFlight) logoutTask.resume();
	if (logoutTask.isUnfinished()) throw superseded();
}

/** Once more with a new token after 401, then with the password; never as another user. @type {WithToken} */
async function withToken(act) {
	const bearer = await usableToken(state.user);
	const { user } = state;
	try {
		const outcome = await act(bearer);
		if (outcome.status !== 401) return outcome;
	} catch (/** @type {any} */ error) {
		if (error.status !== 401) throw error;
	}
	if (token === bearer) expiresAt = 0;
	const outcome = await act(await usableToken(user));
	if (!outcome.headers?.get('www-authenticate')?.includes('insufficient_user_authentication')) return outcome;
	const { askPassword } = await import('./reauthenticate.js').catch(throwUnreachable);
	await askPassword(user, (password) => withToken((newer) => ask('reauthenticate', newer, { password })));
	return act(await usableToken(user));
}

/** @param {TokenUser | null} user who is to be logged in still; null for anybody */
async function usableToken(user) {
	if (OVER.has(state.status) || logoutTask.isUnfinished()) throw superseded();
	if (performance.now() > expiresAt - EARLY_MS) await refresh();
	if (!token || (user && user.id !== state.user?.id)) throw superseded();
	return token;
}

// -- from elsewhere --

/** What another tab says. @type {Record<string, () => void>} */
const ON_MESSAGE = {
	logging_out() {
		if (!loginsInFlight && !OVER.has(state.status)) logoutTask.follow();
	},
	logged_out() {
		logoutTask.cancel();
		if (!loginsInFlight) clearToken('logged_out');
	},
	changed() {
		const wasLoggingOut = logoutTask.isUnfinished();
		logoutTask.cancel(); // the log-in came later, and its session stays
		if (state.user || (wasLoggingOut && !loginsInFlight)) clearToken('changed');
	},
};
channel?.addEventListener('message', ({ data }) => ON_MESSAGE[data]?.());

// A page that is kept for the way back keeps no token.
addEventListener('pagehide', () => clearToken('hidden'));

checkNoLogout().catch(() => {});
