/**
 * How a request gets to the server: with the access token and its proof, again on a bad network,
 * and from one tab at a time.
 */

import { rememberNonce } from './dpop.js';

/** @import { AccessToken, Key } from './internal.d.ts' */

// Captured at load: script that replaces the platform's functions later sees no token.
const { fetch } = globalThis;

const REQUEST_MS = 15_000;
const TAB_LOCK_MS = 20_000;
const FIRST_PAUSE_MS = 600;
const MAX_PAUSE_MS = 8_000;
const UNREACHABLE = 'The server could not be reached.';

/** The server wants to see another proof. */
const PROOF_REFUSED = new Set(['use_dpop_nonce', 'invalid_dpop_proof']);

/** What the calls of session.js reject with. */
export class SessionError extends Error {
	/**
	 * @param {string} code the server's, or `unreachable`, `superseded`, `logging_out`
	 * @param {string} message for people
	 * @param {number} status of HTTP; 0 without an answer
	 * @param {number} retryAfter in seconds; 0 when the server did not say
	 */
	constructor(code, message, status = 0, retryAfter = 0) {
		super(message);
		this.code = code;
		this.status = status;
		this.retryAfter = retryAfter;
	}
}

/**
 * The error for an answer that is no success. One without a code is a proxy's.
 *
 * @param {Response} response
 * @param {{ code?: string, detail?: string }} problem its body
 */
export const refusal = ({ headers, status }, { code = 'unreachable', detail = UNREACHABLE }) =>
	new SessionError(code, detail, status, Number(headers.get('retry-after')) || 0);

export const unreachable = () => new SessionError('unreachable', UNREACHABLE);

/**
 * Sends one request. One whose proof is refused is sent once more, with a new proof.
 *
 * @param {string} url of this origin
 * @param {RequestInit} init a `signal` in it replaces the time limit of 15 s
 * @param {AccessToken | null} token
 * @param {Key | null} key whose proof goes with it
 * @returns {Promise<Response>} any answer
 * @throws {SessionError} `unreachable`
 * @throws what `init.signal` was aborted with
 */
export async function request(url, init, token, key) {
	try {
		const response = await requestOnce(url, init, token, key);
		return key && await isProofRefused(response) ? await requestOnce(url, init, token, key) : response;
	} catch (error) {
		throw init.signal?.aborted ? error : unreachable();
	}
}

/** @param {string} url @param {RequestInit} init @param {AccessToken | null} token @param {Key | null} key */
async function requestOnce(url, init, token, key) {
	/** @type {any} */
	const headers = { __proto__: null, ...Object.fromEntries(new Headers(init.headers)) };
	if (key) headers.dpop = await key.prove(init.method ?? 'GET', url, token?.value);
	if (token) headers.authorization = `${token.type} ${token.value}`;
	const response = await fetch(url, /** @type {RequestInit} */ ({
		__proto__: null, signal: AbortSignal.timeout(REQUEST_MS), ...init, headers,
		credentials: 'same-origin', mode: 'same-origin', cache: 'no-store', redirect: 'error',
	}));
	rememberNonce(response.headers.get('dpop-nonce'));
	return response;
}

/** @param {Response} response */
async function isProofRefused(response) {
	if (response.status !== 400 && response.status !== 401) return false;
	const problem = await response.clone().json().catch(() => null);
	return PROOF_REFUSED.has(problem?.code);
}

/**
 * Runs `act`, and again while that may help: on 429, on 5xx and without an answer.
 *
 * @template T
 * @param {number} attempts at most
 * @param {() => Promise<T>} act
 * @returns {Promise<T>}
 */
export async function withAttempts(attempts, act) {
	for (let left = attempts, pause = FIRST_PAUSE_MS; ; pause *= 2) {
		try {
			return await act();
		} catch (error) {
			left -= 1;
			if (!left || !isTemporary(error)) throw error;
			pause = error.retryAfter * 1000 || pause;
			if (pause > MAX_PAUSE_MS) throw error;
		}
		await sleep(pause);
	}
}

/** @param {unknown} error @returns {error is SessionError} */
const isTemporary = (error) =>
	error instanceof SessionError && (error.code === 'unreachable' || error.status === 429 || error.status > 499);

/** Waits for up to half as long again, so that many clients spread. @param {number} ms */
export const sleep = (ms) => new Promise((resolve) => setTimeout(resolve, ms * (1 + Math.random() / 2)));

/**
 * Runs `act` while no other tab of this browser runs one. It saves requests, and nothing rests on it:
 * a tab that has waited for 20 s, or that has no locks, goes on without.
 *
 * @template T
 * @param {(isAlone: boolean) => Promise<T>} act is told whether it has the lock
 * @returns {Promise<T>}
 */
export async function withTabLock(act) {
	const release = await takeTabLock();
	try {
		return await act(!!release);
	} finally {
		release?.();
	}
}

/** @returns {Promise<(() => void) | null>} gives the lock back; null when it was not to be had */
const takeTabLock = () =>
	new Promise((resolve) => {
		const hold = () => new Promise((release) => resolve(() => release(null)));
		if (!navigator.locks) return resolve(null);
		navigator.locks.request('latchkey', { signal: AbortSignal.timeout(TAB_LOCK_MS) }, hold).catch(() => resolve(null));
	});
