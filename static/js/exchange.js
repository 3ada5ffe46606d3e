/**
 * The endpoints that open an account, or begin or continue a session: how often each is tried,
 * whether one tab at a time, and which key proves it.
 */

import { currentKey, discardKey, makePendingKey, promoteKey } from './dpop.js';
import { SessionError, request, unreachable, withAttempts, withTabLock } from './transport.js';

/** @import { AccessToken, Answer, Endpoint, Hooks, Key, Proof } from './internal.d.ts' */

// No request of these outlives its page (`keepalive`): a cookie must not come when nobody is there
// any more to keep the key that it is bound to.
/** @type {Endpoint} */
export const REGISTER = { path: '/auth/register', attempts: 1, tabLock: false, proof: 'none' };
/** @type {Endpoint} */
export const LOGIN = { path: '/auth/login', attempts: 1, tabLock: true, proof: 'pending' };
/** @type {Endpoint} */
export const PASSWORD = { path: '/auth/password', attempts: 1, tabLock: true, proof: 'handover' };
/** @type {Endpoint} */
export const REFRESH = { path: '/auth/refresh', attempts: 3, tabLock: true, proof: 'current' };

// Captured at load: a token passes through them.
const { parse } = JSON;
const { apply } = Reflect;
const { text } = Response.prototype;

/**
 * @typedef {object} Keys
 * @property {Key | null} signing whose proof goes with a request
 * @property {Key | null} pending the new one
 */

/** @type {Record<Proof, (token: AccessToken | null, isAlone: boolean) => Promise<Keys>>} */
const KEYS = {
	none: async () => ({ signing: null, pending: null }),
	current: async (_, isAlone) => ({ signing: await currentKeyOrLater(isAlone), pending: null }),
	pending: async () => {
		const pending = await makePendingKey();
		return { signing: pending, pending };
	},
	handover: async (token) => ({ signing: token?.key ?? null, pending: await makePendingKey() }),
};

/** @param {boolean} isAlone */
async function currentKeyOrLater(isAlone) {
	try {
		return await currentKey(isAlone);
	} catch {
		throw unreachable(); // without a proof the server would end a bound session
	}
}

/**
 * Asks an endpoint, and again while that may help.
 *
 * @template T
 * @param {Endpoint} endpoint
 * @param {AccessToken | null} token
 * @param {object | undefined} body
 * @param {Hooks<T>} hooks
 * @returns {Promise<T>} what `hooks.accept` makes of the answer
 * @throws {SessionError}
 */
export const send = (endpoint, token, body, hooks) =>
	withAttempts(endpoint.attempts, () => {
		/** @param {boolean} isAlone */
		const act = (isAlone) => attempt(endpoint, token, body, hooks, isAlone);
		return endpoint.tabLock ? withTabLock(act) : act(false);
	});

/**
 * @template T
 * @param {Endpoint} endpoint
 * @param {AccessToken | null} token
 * @param {object | undefined} body
 * @param {Hooks<T>} hooks
 * @param {boolean} isAlone whether this tab has the lock
 */
async function attempt(endpoint, token, body, hooks, isAlone) {
	const { signing, pending } = await KEYS[endpoint.proof](token, isAlone);
	let isAccepted = false;
	try {
		await hooks.beforeSending();
		const sentAt = performance.now();
		const response = await request(endpoint.path, post(endpoint, body, pending), token, signing);
		isAccepted = response.status === 200;
		// At once: the cookie is in the browser, and a refresh needs the key that it is bound to.
		if (isAccepted) await promote(endpoint, pending);
		const data = parseObject(await readText(response));
		return hooks.accept(/** @type {Answer} */ ({ __proto__: null, response, data, key: pending ?? signing, sentAt }));
	} catch (error) {
		if (signing && error instanceof SessionError && error.code === 'session_ended') await discardKey(signing);
		throw error;
	} finally {
		if (pending && !isAccepted) await discardKey(pending);
	}
}

/** @param {Endpoint} endpoint @param {object | undefined} body @param {Key | null} pending */
function post({ proof }, body, pending) {
	const sent = proof === 'handover' && pending ? { ...body, dpop_jkt: pending.thumbprint } : body;
	return { method: 'POST', headers: { 'content-type': 'application/json' }, body: JSON.stringify(sent) };
}

/** @param {Endpoint} endpoint @param {Key | null} pending */
async function promote({ proof }, pending) {
	const isLogin = proof === 'pending';
	if (pending || isLogin) await promoteKey(pending, isLogin);
}

/** @param {Response} response @returns {Promise<string>} */
async function readText(response) {
	try {
		return await apply(text, response, []);
	} catch {
		return ''; // cut short
	}
}

/**
 * Not async: a promise that is given the parsed answer looks for its `then`.
 *
 * @param {string} json
 */
function parseObject(json) {
	try {
		return parse(json) ?? {};
	} catch {
		return {}; // a proxy's page
	}
}
