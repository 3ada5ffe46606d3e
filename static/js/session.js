/** The access token is in one variable here, the refresh token in a cookie that no script can read. */

import { hear, prove } from './key.js';

/** @import { TokenAnswer } from './types.d.ts' */

const { fetch } = globalThis;
const { parse } = JSON;
const { apply } = Reflect;
const { text } = Response.prototype;

/** @type {any} */ let token = null; // without prototype, where a getter could be planted
let expiresAt = 0; // by performance.now()
let epoch = 0; // an earlier one's answers are not adopted
/** @type {any} */ let state = { status: 'unknown', user: null, expiresAt };
let refreshing;
const listeners = [];
const channel = globalThis.BroadcastChannel && new BroadcastChannel('latchkey');

const over = () => ['logged_out', 'session_ended'].includes(state.status);

const failure = ({ code = 'unreachable', detail = 'The server could not be reached.', status = 0 }, retryAfter = 0) =>
	Object.assign(Error(detail), { code, status, retryAfter });
const superseded = () =>
	failure({ code: over() ? 'session_ended' : 'superseded', detail: 'A login or logout came first.' });

function publish(status, user = state.user) {
	state = { status, user, expiresAt };
	for (const listener of listeners) listener(state);
	return state;
}

function overtake() {
	epoch += 1;
	refreshing = null;
}

function drop(status, user = state.user) {
	overtake();
	token = null;
	expiresAt = 0;
	return publish(status, user);
}

/** @param {TokenAnswer} answer */
function adopt({ access_token, token_type, expires_in, user }, sent, isNew) {
	if (isNew) {
		overtake();
		channel?.postMessage('changed');
	}
	const stranger = state.user && state.user.id !== user.id;
	token = { __proto__: null, type: token_type, value: access_token };
	expiresAt = sent + expires_in * 1000;
	return publish(stranger ? 'changed' : 'logged_in', user);
}

/** A refused proof is made anew once. */
async function request(url, init, bearer, first = true) {
	const needed = url === '/auth/refresh'; // without a proof a bound session would end
	try {
		const proof = (needed || url === '/auth/login' || bearer?.type === 'DPoP') &&
			await prove(init.method ?? 'GET', url, bearer?.value).catch((error) => {
				if (needed) throw error;
			});
		/** @type {any} */ const headers = { __proto__: null, ...Object.fromEntries(new Headers(init.headers)) };
		if (proof) headers.dpop = proof;
		if (bearer) headers.authorization = `${bearer.type} ${bearer.value}`;
		const response = await fetch(url, /** @type {any} */ ({
			__proto__: null, signal: AbortSignal.timeout(15_000), ...init, headers,
			credentials: 'same-origin', mode: 'same-origin', cache: 'no-store', redirect: 'error',
		}));
		hear(response.headers.get('dpop-nonce'));
		if (!proof || !first || ![400, 401].includes(response.status)) return response;
		const { code } = await response.clone().json().catch(() => ({}));
		return /dpop/.test(code) ? request(url, init, bearer, false) : response;
	} catch (error) {
		throw init.signal?.aborted ? error : failure({});
	}
}

/** One tab at a time: an optimisation. */
const turn = () =>
	new Promise((enter) => {
		const hold = () => new Promise(enter);
		navigator.locks.request('latchkey', { signal: AbortSignal.timeout(20_000) }, hold).catch(() => enter(() => {}));
	});

/** A POST without a body is repeated while that may help. */
async function send(path, bearer, body) {
	const begun = epoch;
	const check = () => {
		if (epoch !== begun) throw superseded();
	};
	for (let left = body ? 1 : 3, pause = 600; ; pause *= 2) {
		const leave = path === '/auth/logout' ? () => {} : await turn();
		try {
			check();
			const sent = performance.now();
			const headers = { 'content-type': 'application/json' };
			const init = { method: 'POST', headers, body: JSON.stringify(body), keepalive: path !== '/auth/refresh' };
			const response = await request(path, init, bearer);
			let data = parse('{}');
			try {
				data = parse(await apply(text, response, []));
			} catch {} // a proxy's page, or cut short
			check();
			const { ok, status } = response;
			if (data.access_token) return adopt(data, sent, body);
			if (ok && status !== 200) return state;
			if (status === 401 && data.code === 'session_ended') drop('session_ended', null);
			throw failure({ ...data, status }, Number(response.headers.get('retry-after')) || 0);
		} catch (error) {
			check();
			const temporary = error.code === 'unreachable' || error.status === 429 || error.status > 499;
			pause = error.retryAfter * 1000 || pause;
			if (!temporary || !--left || pause > 8_000) throw error;
		} finally {
			leave();
		}
		await new Promise((resolve) => setTimeout(resolve, pause * (1 + Math.random() / 2)));
	}
}

export const refresh = () => (refreshing ??= send('/auth/refresh').finally(() => (refreshing = null)));

export const register = (credentials) => send('/auth/register', null, credentials);

export function login(credentials) {
	overtake();
	return send('/auth/login', null, credentials);
}

/** The token is gone at once; a rejection means that the server may not know. */
export async function logout() {
	const bearer = token;
	drop('logging_out');
	await send('/auth/logout', bearer);
	channel?.postMessage('logged_out');
	return drop('logged_out', null);
}

/** Once more with a new token after 401; never as another user. */
async function authorized(run, first = true, user = state.user) {
	if (over()) throw superseded();
	if (performance.now() > expiresAt - 10_000) await refresh();
	if (user && user.id !== state.user?.id) throw superseded();
	const used = token;
	const answer = await run(used).catch((error) => error);
	if (answer.status === 401 && first) {
		if (token === used) expiresAt = 0;
		return authorized(run, false, user);
	}
	if (answer instanceof Error) throw answer;
	return answer;
}

export const changePassword = (passwords) => authorized((bearer) => send('/auth/password', bearer, passwords));

/** fetch() with the access token, to this origin only. @returns {Promise<Response>} */
export async function authorizedFetch(input, init = {}) {
	const { origin, href } = new URL(input, location.href);
	if (origin !== location.origin || (typeof input !== 'string' && !(input instanceof URL))) {
		throw new TypeError('Not a URL of this origin.');
	}
	return authorized((bearer) => request(href, init, bearer));
}

export function onChange(listener) {
	listeners.push(listener);
	listener(state);
}

channel?.addEventListener('message', ({ data }) => {
	if (data === 'logged_out') drop('logged_out', null);
	else if (state.user) drop('changed');
});

addEventListener('pagehide', () => drop('hidden')); // a page kept for the way back keeps no token
