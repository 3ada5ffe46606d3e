/**
 * This browser's keys and their proofs (RFC 9449). A private key cannot be exported, and no key
 * object leaves this module.
 *
 * Each log-in and each password change makes a key of its own: one that script planted before, or
 * that an earlier session used, proves nothing afterwards. It is pending until the server has
 * answered, so that a refusal costs the present session nothing.
 */

import { CURRENT, NoStorage, addCurrentKey, deleteKey, readKey, readKeys, replaceKeys, writeKey } from './store.js';

// Captured at load: script that patches the platform later sees no private key.
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

/** Keeps the server's newest nonce; proofs carry it. @param {string | null | undefined} newest */
export const rememberNonce = (newest) => {
	nonce = newest || nonce;
};

const base64url = (bytes) =>
	btoa(String.fromCharCode(...new Uint8Array(bytes))).replaceAll('+', '-').replaceAll('/', '_').replaceAll('=', '');
const encodeJson = (part) => base64url(encode(JSON.stringify(part)));
const hash = async (text) => base64url(await digest('SHA-256', encode(text)));

/** A key pair of this browser. */
export class BrowserKey {
	#pair;
	#jwk;

	/** The thumbprint of the public key (RFC 7638). @type {string} */
	thumbprint = '';
	/** Its name among the stored keys. @type {any} */
	name;

	/** @param {any} pair two CryptoKeys */
	static async of(pair, name) {
		const key = new BrowserKey();
		const { crv, kty, x, y } = await exportKey('jwk', pair.publicKey);
		key.#pair = { publicKey: pair.publicKey, privateKey: pair.privateKey };
		key.#jwk = { kty, crv, x, y };
		key.thumbprint = await hash(JSON.stringify({ crv, kty, x, y }));
		key.name = name;
		return key;
	}

	/**
	 * Proves that this browser sends one request.
	 *
	 * @param {string} htm the method
	 * @param {string} url relative to the page, or whole
	 * @param {string} [token] the access token that the request carries
	 * @returns {Promise<string>} for the DPoP header
	 */
	async prove(htm, url, token) {
		const { origin, pathname } = new URL(url, location.href);
		const iat = Math.floor(Date.now() / 1000);
		const ath = token && await hash(token);
		const claims = { jti: crypto.randomUUID(), htm, htu: origin + pathname, iat, nonce, ath };
		const signed = `${encodeJson({ typ: 'dpop+jwt', alg: 'ES256', jwk: this.#jwk })}.${encodeJson(claims)}`;
		return `${signed}.${base64url(await sign(ALGORITHM, this.#pair.privateKey, encode(signed)))}`;
	}

	/** Stores it as the only key. @param {boolean} isLogin */
	promote(isLogin) {
		return replaceKeys(this.#pair, isLogin);
	}
}

/**
 * Makes a key for a log-in or a password change, and keeps it as pending.
 *
 * @returns {Promise<BrowserKey | null>} null where a key cannot be stored and read back: the
 *     session stays unbound then
 */
export async function makePendingKey() {
	if (!subtle) return null;
	const pair = await generateKey(ALGORITHM, false, ['sign']);
	const name = crypto.randomUUID();
	try {
		await writeKey(name, { ...pair, since: Date.now() });
		return isKeyPair(await readKey(name)) ? await BrowserKey.of(pair, name) : null;
	} catch {
		return null; // there is no storage, it is full, or it does not answer
	}
}

/**
 * Makes `key` the session's key once the server has accepted it, and forgets all others.
 *
 * @param {BrowserKey | null} key null after a log-in without one: no former key may bind it later
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

/** Forgets a key that was not accepted, or whose session has ended. @param {BrowserKey} key */
export async function discardKey(key) {
	try {
		if (key.name === CURRENT) {
			const current = await readKey(CURRENT);
			if (!isKeyPair(current)) return;
			const { thumbprint } = await BrowserKey.of(current, CURRENT);
			if (thumbprint !== key.thumbprint) return; // another tab has logged in
		}
		await deleteKey(key.name);
	} catch {
		// The next one that is promoted removes it.
	}
}

/**
 * Returns the key that a refresh has to prove, and makes one if there is none.
 *
 * @param {boolean} isAlone true when this tab has the lock, so that no log-in is under way
 * @returns {Promise<BrowserKey | null>} null where no key was ever kept: the session is unbound
 * @throws {Error} when that cannot be told just now: without a proof a bound session would end
 */
export async function currentKey(isAlone) {
	if (!subtle) return null;
	try {
		const { current, pending } = await readKeys();
		const isUnderWay = ({ since }) => since <= Date.now() && Date.now() < since + PENDING_MS;
		if (!isAlone && pending.some(isUnderWay)) throw Error('A log-in is under way.');
		// A tab was closed between the server's answer and the promotion.
		pending.sort((one, other) => other.since - one.since);
		const pair = current ?? pending[0] ?? await storeFirstKey();
		if (!isKeyPair(pair)) return null;
		const key = await BrowserKey.of(pair, CURRENT);
		if (pending.length) await key.promote(false);
		return key;
	} catch (error) {
		if (error instanceof NoStorage) return null;
		throw error;
	}
}

/** Script can store anything under the key's name. */
const isKeyPair = (stored) => stored?.publicKey instanceof CryptoKey && stored?.privateKey instanceof CryptoKey;

/** @returns {Promise<CryptoKeyPair | undefined>} undefined where it cannot be kept */
async function storeFirstKey() {
	await addCurrentKey(await generateKey(ALGORITHM, false, ['sign'])).catch(() => {}); // it is read back
	return readKey(CURRENT);
}
