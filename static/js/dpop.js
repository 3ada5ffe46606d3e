/**
 * This browser's keys and their proofs (RFC 9449). A private key cannot be exported, and no CryptoKey
 * leaves this module but into the store.
 *
 * Each log-in and each password change makes a new key, so that a key that script planted before, or
 * that an earlier session used, proves nothing afterwards. The new key is pending until the server
 * has answered, so that a refused log-in costs the present session nothing.
 */

import { CURRENT, NoStorage, addCurrentKey, deleteKey, readKey, readKeys, replaceKeys, writeKey } from './store.js';

/** @import { Key, StoredKey } from './internal.d.ts' */

// Captured at load: script that replaces the platform's functions later sees no private key.
const { subtle } = crypto;
const digest = subtle?.digest.bind(subtle);
const exportKey = subtle?.exportKey.bind(subtle);
const generateKey = subtle?.generateKey.bind(subtle);
const sign = subtle?.sign.bind(subtle);
const encode = TextEncoder.prototype.encode.bind(new TextEncoder());

const ALGORITHM = { name: 'ECDSA', namedCurve: 'P-256', hash: 'SHA-256' };

/** No log-in takes longer: two requests of 15 s, and reading the answer. */
const PENDING_MS = 60_000;

let nonce = '';

/**
 * Keeps the server's newest nonce, which the next proofs carry.
 *
 * @param {string | null | undefined} newest nothing changes without one
 */
export function rememberNonce(newest) {
	nonce = newest || nonce;
}

/** @param {any} bytes */
const base64url = (bytes) =>
	btoa(String.fromCharCode(...new Uint8Array(bytes))).replaceAll('+', '-').replaceAll('/', '_').replaceAll('=', '');

/** @param {object} part */
const encodeJson = (part) => base64url(encode(JSON.stringify(part)));

/** @param {string} text */
const hash = async (text) => base64url(await digest('SHA-256', encode(text)));

const generatePair = () => generateKey(ALGORITHM, false, ['sign']);

/** @implements {Key} */
class BrowserKey {
	#pair;
	#jwk;

	/**
	 * @param {StoredKey} pair
	 * @param {object} jwk
	 * @param {string} thumbprint
	 * @param {IDBValidKey} name
	 */
	constructor({ publicKey, privateKey }, jwk, thumbprint, name) {
		this.#pair = { publicKey, privateKey };
		this.#jwk = jwk;
		this.thumbprint = thumbprint;
		this.name = name;
	}

	/** @type {Key['prove']} */
	async prove(htm, url, token) {
		const { origin, pathname } = new URL(url, location.href);
		const iat = Math.floor(Date.now() / 1000);
		const ath = token && await hash(token);
		const claims = { jti: crypto.randomUUID(), htm, htu: origin + pathname, iat, nonce, ath };
		const signed = `${encodeJson({ typ: 'dpop+jwt', alg: 'ES256', jwk: this.#jwk })}.${encodeJson(claims)}`;
		return `${signed}.${base64url(await sign(ALGORITHM, this.#pair.privateKey, encode(signed)))}`;
	}

	/** @type {Key['promote']} */
	promote(isLogin) {
		return replaceKeys(this.#pair, isLogin);
	}
}

// Frozen: script that could replace `prove` would be handed the next access token.
Object.freeze(BrowserKey.prototype);

/** @param {StoredKey} pair @param {IDBValidKey} name */
async function browserKey(pair, name) {
	const { crv, kty, x, y } = await exportKey('jwk', pair.publicKey);
	return new BrowserKey(pair, { kty, crv, x, y }, await hash(JSON.stringify({ crv, kty, x, y })), name);
}

/**
 * Whether it is a key of ours: script can store anything under the name of a key.
 *
 * @param {any} stored
 * @returns {stored is StoredKey}
 */
const isKeyPair = (stored) => stored?.publicKey instanceof CryptoKey && stored?.privateKey instanceof CryptoKey;

/**
 * Makes a key for a log-in or a password change, and stores it as pending.
 *
 * @returns {Promise<BrowserKey | null>} null where a key cannot be stored and read back: the session
 *     is not bound to a key then
 */
export async function makePendingKey() {
	if (!subtle) return null;
	const pair = await generatePair();
	const name = crypto.randomUUID();
	try {
		await writeKey(name, { ...pair, since: Date.now() });
		return isKeyPair(await readKey(name)) ? await browserKey(pair, name) : null;
	} catch {
		return null; // there is no storage, it is full, or it does not answer
	}
}

/**
 * Makes `key` the session's key once the server has accepted it, and forgets all others.
 *
 * @param {Key | null} key null after a log-in without one, so that no former key binds the session later
 * @param {boolean} isLogin
 * @throws {Error} when the store does not answer: the former key may still be there
 */
export async function promoteKey(key, isLogin) {
	try {
		await (key ? key.promote(isLogin) : replaceKeys(null, isLogin));
	} catch (error) {
		if (!(error instanceof NoStorage)) throw error;
	}
}

/**
 * Forgets a key that was not accepted, or whose session has ended.
 *
 * @param {Key} key
 */
export async function discardKey(key) {
	try {
		if (key.name === CURRENT) {
			const current = await readKey(CURRENT);
			if (!isKeyPair(current)) return;
			const { thumbprint } = await browserKey(current, CURRENT);
			if (thumbprint !== key.thumbprint) return; // another tab has logged in
		}
		await deleteKey(key.name);
	} catch {
		// The next one that is promoted removes it.
	}
}

/**
 * Returns the key whose proof a refresh needs, and makes one if there is none.
 *
 * @param {boolean} isAlone true when this tab has the lock, so that no other tab is logging in
 * @returns {Promise<BrowserKey | null>} null where no key can be stored: the session is unbound
 * @throws {Error} when that cannot be told just now: without a proof a bound session would end
 */
export async function currentKey(isAlone) {
	if (!subtle) return null;
	try {
		const { current, pending } = await readKeys();
		if (!isAlone && pending.some(isUnderWay)) throw Error('A log-in is under way.');
		// A pending key is the session's when its tab was closed between the server's answer and the promotion.
		pending.sort((one, other) => other.since - one.since);
		const pair = current ?? pending[0] ?? await storeFirstKey();
		if (!isKeyPair(pair)) return null;
		const key = await browserKey(pair, CURRENT);
		if (pending.length) await key.promote(false);
		return key;
	} catch (error) {
		if (error instanceof NoStorage) return null;
		throw error;
	}
}

/**
 * Whether the log-in that a pending key was made for can still be answered.
 *
 * @param {any} pendingKey
 */
const isUnderWay = ({ since }) => since <= Date.now() && Date.now() < since + PENDING_MS;

/** Two tabs can do this at once, so the key is read back. */
async function storeFirstKey() {
	await addCurrentKey(await generatePair()).catch(() => {});
	return readKey(CURRENT);
}
