/** How requests reach the server: with token and proof, again on a bad network, one tab at a time. */

import { currentKey, makePendingKey, replaceKeys } from './dpop.js';

/** @type {Record<EndpointName, Endpoint>} */
const ENDPOINTS = {
	'register/finish': { attempts: 1, proof: 'pending' },
	login: { attempts: 1, proof: 'pending' },
	password: { attempts: 1, proof: 'handover' },
	reauthenticate: { attempts: 2, proof: 'token' },
	refresh: { attempts: 3, proof: 'current' },
};

const REQUEST_MS = 15_000;
const TAB_LOCK_MS = 20_000;
const FIRST_PAUSE_MS = 600;
const MAX_PAUSE_MS = 8_000;

const PROOF_REFUSED = new Set(['use_dpop_nonce', 'invalid_dpop_proof']);

// Captured at load: script that replaces the platform's functions later sees no token.
const { fetch } = globalThis;
const { parse } = JSON;
const textOf = Function.prototype.call.bind(Response.prototype.text);

// The server's newest; the page brings the first.
let nonce = document.querySelector('meta[name=dpop-nonce]')?.getAttribute('content') ?? '';

const MAX_RECORDS = 50;
/** @type {RequestRecord[]} */
const records = [];
/** @type {RequestListener[]} */
const listeners = [];

/** Tells `listener` of the latest requests, and then of each. @type {OnRequest} */
export const onRequest = (listener) => {
	records.forEach((record) => listener(record));
	listeners.push(listener);
};

/** @implements {Rejection} */
export class SessionError extends Error {
	constructor(code = 'unreachable', message = 'The server could not be reached.', status = 0, retryAfter = 0) {
		super(message);
		this.code = code;
		this.status = status;
		this.retryAfter = retryAfter;
	}
}

/** The error of an answer; one without a code is a proxy's. @param {Response} response @param {any} problem */
export const refusal = ({ headers, status }, { code, detail }) =>
	new SessionError(code, detail, status, Number(headers.get('retry-after')) || 0);

/** @returns {never} */
export function throwUnreachable() {
	throw new SessionError();
}

/** A request whose proof is refused is sent once more. @type {SendRequest} */
export async function request(url, init, token, key = token?.key) {
	try {
		const response = await requestOnce(url, init, token, key);
		return key && await isProofRefused(response) ? await requestOnce(url, init, token, key) : response;
	} catch (error) {
		if (init.signal?.aborted) throw error;
		return throwUnreachable();
	}
}

/** @type {SendRequest} */
async function requestOnce(url, init, token, key) {
	/** @type {any} */
	const headers = { __proto__: null, ...Object.fromEntries(new Headers(init.headers)) };
	const { method = 'GET' } = init;
	if (key) headers.dpop = await key.prove(method, url, nonce, token?.value);
	if (token) headers.authorization = `${token.type} ${token.value}`;
	// Script can read it, so no credential and no body is in it.
	const record = { method, url, sentAt: performance.now(), endedAt: 0, status: 0, isProven: !!key, token: token?.number };
	try {
		const response = await fetch(url, /** @type {RequestInit} */ ({
			__proto__: null, signal: AbortSignal.timeout(REQUEST_MS), ...init, headers,
			credentials: 'same-origin', mode: 'same-origin', cache: 'no-store', redirect: 'error',
		}));
		nonce = response.headers.get('dpop-nonce') || nonce;
		record.status = response.status;
		return response;
	} finally {
		record.endedAt = performance.now();
		if (records.push(record) > MAX_RECORDS) records.shift();
		for (const listener of listeners) queueMicrotask(() => listener(record));
	}
}

/** @param {Response} response */
async function isProofRefused(response) {
	if (response.status !== 400 && response.status !== 401) return false;
	const problem = await response.clone().json().catch(() => null);
	return PROOF_REFUSED.has(problem?.code);
}

/** @param {Call} call @param {boolean} isAlone */
async function attempt(call, isAlone) {
	const { token } = call;
	const { proof } = ENDPOINTS[call.name];
	const isLogin = proof === 'pending';
	const isNew = isLogin || proof === 'handover';
	const pending = isNew ? await makePendingKey() : null;
	let signing = isLogin ? pending : token?.key ?? null;
	// Without a proof, a bound session would end.
	if (proof === 'current') signing = await currentKey(isAlone).catch(throwUnreachable);
	let isAccepted = false;
	try {
		await call.beforeSending();
		const sentAt = performance.now();
		const body = pending && !isLogin ? { ...call.body, dpop_jkt: pending.thumbprint } : call.body;
		// Not `keepalive`: no cookie may come when the page, and so its key, is gone.
		const init = { method: 'POST', headers: { 'content-type': 'application/json' }, body: JSON.stringify(body) };
		const response = await request(`/auth/${call.name}`, init, token, signing);
		isAccepted = response.ok;
		// At once: the cookie is there, and a refresh needs its key.
		if (isAccepted && pending) await pending.promote(isLogin);
		// No former key may bind a session that began without one.
		else if (isAccepted && isLogin) await replaceKeys(null, true);
		const data = parseObject(await readText(response));
		return call.accept(/** @type {Answer} */ ({ __proto__: null, response, data, isNew, key: pending ?? signing, sentAt }));
	} catch (/** @type {any} */ error) {
		if (error.code === 'session_ended') await signing?.discard();
		throw error;
	} finally {
		if (!isAccepted) await pending?.discard();
	}
}

/** @param {Response} response */
async function readText(response) {
	try {
		return await textOf(response);
	} catch {
		return ''; // cut short
	}
}

/** Not async: a promise would look for the answer's `then`. @param {string} json */
function parseObject(json) {
	try {
		return parse(json) ?? {};
	} catch {
		return {}; // a proxy's page
	}
}

/** Sends a call, and again on 429, on 5xx and without an answer. @type {SendCall} */
export async function send(call, attempts = ENDPOINTS[call.name].attempts, pause = FIRST_PAUSE_MS) {
	try {
		return await withTabLock((isAlone) => attempt(call, isAlone));
	} catch (/** @type {any} */ error) {
		const { code, status, retryAfter } = error;
		const isTemporary = code === 'unreachable' || status === 429 || status > 499;
		const wait = retryAfter * 1000 || pause;
		if (attempts === 1 || !isTemporary || wait > MAX_PAUSE_MS) throw error;
		await sleep(wait);
		return send(call, attempts - 1, 2 * wait);
	}
}

/** Up to half as long again, so that clients spread. @param {number} ms */
export const sleep = (ms) => new Promise((resolve) => setTimeout(resolve, ms * (1 + Math.random() / 2)));

/** One tab at a time runs `act`. It saves requests, and nothing rests on it. @type {WithTabLock} */
export async function withTabLock(act) {
	let isAlone = false;
	const signal = AbortSignal.timeout(TAB_LOCK_MS);
	try {
		return await navigator.locks.request('latchkey', { signal }, () => {
			isAlone = true;
			return act(true);
		});
	} catch (error) {
		if (isAlone) throw error;
		return act(false); // no locks, or the other tab is slow
	}
}
