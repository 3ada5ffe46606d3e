/**
 * The session of this page. docs/browser-module.md says how to use it.
 *
 * The access token is in one variable of this module, the refresh token in a cookie that no script
 * can read, and the key that both are bound to in dpop.js. Script that runs in the page can act as
 * the user while the page is open, and can carry nothing away.
 *
 * Behind it: exchange.js (the endpoints and the keys that prove requests to them), transport.js (one
 * request, attempts, the lock of the tabs), logout.js (a log-out that survives a bad network),
 * dpop.js (keys and proofs), store.js (IndexedDB).
 */

import { LOGIN, PASSWORD, REFRESH, REGISTER, send } from './exchange.js';
import { isLogoutWanted, makeLogout } from './logout.js';
import { SessionError, refusal, request } from './transport.js';

/** @import { AccessToken, Answer, Endpoint } from './internal.d.ts' */
/** @import { TokenResponse, TokenUser } from './types.d.ts' */

// What every call that asks the server rejects with; it has `code`, `message`, `status` and `retryAfter`.
export { SessionError };

/**
 * @typedef {'unknown' | 'logged_in' | 'changed' | 'hidden'
 *     | 'logging_out' | 'logout_pending' | 'logged_out' | 'session_ended'} Status
 *     - `unknown`: the server has not been asked yet; the first request finds out.
 *     - `logged_in`: there is an access token.
 *     - `changed`: another session has begun in this browser, perhaps another user's.
 *     - `hidden`: the page was left. When it comes back, its first request gets a new token.
 *     - `logging_out`: the token is gone, and the server is being told.
 *     - `logout_pending`: the server could not be told yet; it is told as soon as it can be reached.
 *     - `logged_out`: the server has heard.
 *     - `session_ended`: the server says that the session has ended, or that there is none.
 *
 * @typedef {object} State
 * @property {Status} status
 * @property {TokenUser | null} user who is logged in, or was last; null when nobody is known
 * @property {number} expiresAt the end of the access token in milliseconds by performance.now(); 0 without one
 */

/** A token this close to its end is replaced before it is used. */
const EARLY_MS = 10_000;

/** The statuses that only a log-in ends. */
const OVER = new Set(['logged_out', 'session_ended']);

/** @type {AccessToken | null} */
let token = null;
let expiresAt = 0;
/** @type {State} */
let state = { status: 'unknown', user: null, expiresAt };
/** Grows with each log-in and log-out: an answer to a request of an earlier epoch is not taken over. */
let epoch = 0;
/** @type {Promise<State> | null} */
let refreshing = null;
let loginsInFlight = 0;
/** @type {((state: State) => void)[]} */
const listeners = [];

/** Tells the other tabs what has happened; it never carries a token. */
const channel = globalThis.BroadcastChannel && new BroadcastChannel('latchkey');

const logoutTask = makeLogout(
	(status) => {
		if (status === 'logout_pending') publish(status);
		else if (status === 'logging_out' || !loginsInFlight) clearToken(status);
	},
	(message) => channel?.postMessage(message),
);

// -- what a page calls ----------------------------------------------------------------------

/**
 * Opens an account. It logs nobody in.
 *
 * @param {{ email: string, password: string }} credentials
 * @returns {Promise<State>} the state, which is as before
 * @throws {SessionError} `email_taken`, `weak_password`, `invalid_request`, `too_many_attempts`, `unreachable`
 */
export const register = (credentials) => ask(REGISTER, null, credentials);

/**
 * Logs in. It ends the session that this browser had, and a log-out that is not finished.
 *
 * @param {{ email: string, password: string, remember?: boolean }} credentials `remember`: the session
 *     stays when the browser is closed
 * @returns {Promise<State>}
 * @throws {SessionError} `invalid_credentials`, `too_many_attempts`, `busy`, `unreachable`, `superseded`
 */
export async function login(credentials) {
	overtake();
	loginsInFlight += 1;
	try {
		return await ask(LOGIN, null, credentials);
	} finally {
		loginsInFlight -= 1;
	}
}

/**
 * Exchanges the cookie for a new access token. A page rarely needs it: authorizedFetch does it when
 * there is no token, or one that is refused.
 *
 * @returns {Promise<State>} the same promise for all calls while one request is under way
 * @throws {SessionError} `session_ended`, `logging_out`, `superseded`, `unreachable`
 */
export function refresh() {
	const mine = refreshing ?? ask(REFRESH, null).finally(() => {
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
 * @throws {SessionError} `wrong_password`, `weak_password`, `too_many_attempts`, or as authorizedFetch
 */
export const changePassword = (passwords) => withToken((bearer) => ask(PASSWORD, bearer, passwords));

/**
 * Logs out. The token is gone at once, here and in the other tabs.
 *
 * @returns {Promise<State>}
 * @throws {SessionError} when the server has not heard of it yet. The status is `logout_pending` then,
 *     and the server is told as soon as it can be reached, also by another page or after a reload.
 */
export async function logout() {
	await logoutTask.start(performance.now() < expiresAt ? token : null);
	return state;
}

/**
 * fetch() with the access token and its proof, to this origin only.
 *
 * @param {string | URL} input relative to the page, or absolute
 * @param {RequestInit} [init] a `signal` in it replaces the time limit of 15 s; `credentials`, `mode`,
 *     `cache` and `redirect` are set here
 * @returns {Promise<Response>} any answer, also a refusal: look at `ok`
 * @throws {SessionError} `session_ended`, `logging_out`, `superseded`, `unreachable`
 * @throws {TypeError} when `input` is no string or URL, or of another origin
 */
export async function authorizedFetch(input, init = {}) {
	const { origin, href } = new URL(input, location.href);
	if (origin !== location.origin || (typeof input !== 'string' && !(input instanceof URL))) {
		throw new TypeError('Not a URL of this origin.');
	}
	return withToken((bearer) => request(href, init, bearer, bearer.key));
}

/**
 * Calls `listener` with the state now, and at every change, also one that another tab caused.
 *
 * @param {(state: State) => void} listener
 */
export function onChange(listener) {
	listeners.push(listener);
	listener(state);
}

// -- the state ------------------------------------------------------------------------------

/** @param {Status} status */
function publish(status, user = state.user) {
	state = { status, user, expiresAt };
	for (const listener of listeners) listener(state);
	return state;
}

/** From here on, what is under way belongs to the past. */
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

/** Makes the error of a request that something else overtook. */
function superseded() {
	if (logoutTask.isUnfinished()) return new SessionError('logging_out', 'You are being logged out.');
	const code = OVER.has(state.status) ? 'session_ended' : 'superseded';
	return new SessionError(code, 'A login or logout came first.');
}

/** @param {TokenResponse} data @param {Answer} answer */
function acceptTokenResponse({ access_token, token_type, expires_in, user }, { key, sentAt }) {
	const isOtherUser = state.user && state.user.id !== user.id;
	const boundTo = token_type === 'DPoP' ? key : null;
	token = /** @type {AccessToken} */ ({ __proto__: null, type: token_type, value: access_token, key: boundTo });
	expiresAt = sentAt + expires_in * 1000; // from sending on: too early rather than too late
	return publish(isOtherUser ? 'changed' : 'logged_in', user);
}

/** @param {Endpoint} endpoint @param {Answer} answer */
function accept(endpoint, answer) {
	const { response, data } = answer;
	if (data.access_token) {
		logoutTask.cancel();
		if (endpoint !== REFRESH) {
			overtake();
			channel?.postMessage('changed');
		}
		return acceptTokenResponse(data, answer);
	}
	if (response.status === 201) return state; // an account was opened
	if (response.status === 401 && data.code === 'session_ended') clearToken('session_ended');
	throw refusal(response, data);
}

// -- asking the server ----------------------------------------------------------------------

/**
 * Asks an endpoint. Nothing is sent, and no answer is taken over, after a later log-in or log-out.
 *
 * @param {Endpoint} endpoint
 * @param {AccessToken | null} bearer
 * @param {object} [body]
 */
function ask(endpoint, bearer, body) {
	const begun = epoch;
	const checkEpoch = () => {
		if (epoch !== begun) throw superseded();
	};
	return send(endpoint, bearer, body, {
		async beforeSending() {
			if (endpoint === REFRESH) await checkNoLogout();
			checkEpoch();
		},
		accept(answer) {
			checkEpoch();
			return accept(endpoint, answer);
		},
	});
}

/** Throws while the server may not know of a log-out: a refresh would bring back what the user left. */
async function checkNoLogout() {
	if (!logoutTask.isUnfinished() && await isLogoutWanted()) logoutTask.resume();
	if (logoutTask.isUnfinished()) throw superseded();
}

/**
 * Runs `act` with a token, and once more with a new one after 401; never as another user.
 *
 * @template {{ status: unknown }} T
 * @param {(bearer: AccessToken) => Promise<T>} act
 * @returns {Promise<T>}
 */
async function withToken(act) {
	const { user } = state;
	const bearer = await usableToken(user);
	/** @type {T | SessionError} A 401 is an answer of fetch, and an error of an endpoint. */
	const outcome = await act(bearer).catch((error) => error);
	if (outcome.status === 401) {
		if (token === bearer) expiresAt = 0;
		return act(await usableToken(user));
	}
	if (outcome instanceof Error) throw outcome;
	return outcome;
}

/** @param {TokenUser | null} user who has to be logged in still; null when nobody was known */
async function usableToken(user) {
	if (OVER.has(state.status) || logoutTask.isUnfinished()) throw superseded();
	if (performance.now() > expiresAt - EARLY_MS) await refresh();
	if (!token || (user && user.id !== state.user?.id)) throw superseded();
	return token;
}

// -- what comes from elsewhere --------------------------------------------------------------

/** What another tab says has happened. @type {Record<string, () => void>} */
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
		logoutTask.cancel(); // the log-in came after the log-out, and its session stays
		if (state.user || (wasLoggingOut && !loginsInFlight)) clearToken('changed');
	},
};
channel?.addEventListener('message', ({ data }) => ON_MESSAGE[data]?.());

// A page that the browser keeps for the way back keeps no token.
addEventListener('pagehide', () => clearToken('hidden'));

// Finishes a log-out that an earlier page could not finish. Where the store does not answer just
// now, the next refresh asks it again.
isLogoutWanted().then((isWanted) => {
	if (isWanted && !loginsInFlight) logoutTask.resume();
}, () => {});
