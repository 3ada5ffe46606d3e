/**
 * This browser's keys and their proofs (RFC 9449). No CryptoKey leaves this module but into the database.
 *
 * Each log-in and password change makes a new key: one that script planted proves nothing afterwards.
 * It is pending until the server accepts it, so that a refused log-in costs the session nothing.
 */

// Captured at load: script that replaces the platform's functions later sees no private key.
const { subtle } = crypto;
const digest = subtle?.digest.bind(subtle);
const exportKey = subtle?.exportKey.bind(subtle);
const generateKey = subtle?.generateKey.bind(subtle);
const sign = subtle?.sign.bind(subtle);
const encode = TextEncoder.prototype.encode.bind(new TextEncoder());

const ALGORITHM = { name: 'ECDSA', namedCurve: 'P-256', hash: 'SHA-256' };

/** No log-in takes longer. */
const PENDING_MS = 60_000;
const DATABASE_MS = 5_000;

// Names of records; a pending key's is a text, which comes after numbers.
export const LOGOUT_WISH = 0;
const CURRENT = 1;

/** What opening throws where nothing can be stored. */
const NO_STORAGE = new Set([
	'ReferenceError', 'TypeError', 'SecurityError', 'InvalidStateError', 'NotSupportedError',
]);

/** @param {any} bytes */
const base64url = (bytes) =>
	btoa(String.fromCharCode(...new Uint8Array(bytes))).replaceAll('+', '-').replaceAll('/', '_').replaceAll('=', '');

/** @param {object} part */
const encodeJson = (part) => base64url(encode(JSON.stringify(part)));

/** @param {string} text */
const hash = async (text) => base64url(await digest('SHA-256', encode(text)));

const generatePair = () => generateKey(ALGORITHM, false, ['sign']);

/** @type {MakeKey} */
async function makeKey({ publicKey, privateKey }, name) {
	const { crv, kty, x, y } = await exportKey('jwk', publicKey);
	const jwk = { crv, kty, x, y };
	const thumbprint = await hash(JSON.stringify(jwk));
	// Frozen: script that could replace `prove` would be handed the next access token.
	return Object.freeze(/** @type {Key} */ ({
		__proto__: null,
		thumbprint,

		async prove(htm, url, nonce, token) {
			const { origin, pathname } = new URL(url, location.href);
			const iat = Math.floor(Date.now() / 1000);
			const ath = token && await hash(token);
			const claims = { jti: crypto.randomUUID(), htm, htu: origin + pathname, iat, nonce, ath };
			const signed = `${encodeJson({ typ: 'dpop+jwt', alg: 'ES256', jwk })}.${encodeJson(claims)}`;
			return `${signed}.${base64url(await sign(ALGORITHM, privateKey, encode(signed)))}`;
		},

		promote: (isLogin) => replaceKeys({ publicKey, privateKey }, isLogin),

		async discard() {
			try {
				const current = name === CURRENT && await readKey(name);
				if (current && (await makeKey(current, name)).thumbprint !== thumbprint) return; // another tab has logged in
				await transact((store) => store.delete(name));
			} catch {
				// The next promotion removes it.
			}
		},
	}));
}

/** Makes the key of a log-in or a password change; null where none can be stored. */
export async function makePendingKey() {
	if (!subtle) return null;
	const pair = await generatePair();
	const name = crypto.randomUUID();
	try {
		await transact((store) => store.put({ ...pair, since: Date.now() }, name));
		return await readKey(name) && await makeKey(pair, name);
	} catch {
		return null; // the database is full, or does not answer
	}
}

/** The key that proves a refresh. @type {CurrentKey} */
export async function currentKey(isAlone) {
	if (!subtle) return null;
	const keys = await transact((store) => store.getAll(IDBKeyRange.lowerBound(CURRENT))) ?? [];
	const pending = keys.filter((key) => key?.since).sort((one, other) => other.since - one.since);
	if (!isAlone && pending.some(({ since }) => since <= Date.now() && Date.now() < since + PENDING_MS)) {
		throw Error('A log-in is under way.');
	}
	// A pending key is the session's when its tab was closed after the server's answer.
	const pair = keyPair(keys.find((key) => !key?.since) ?? pending[0] ?? await storeFirstKey());
	if (!pair) return null;
	const key = await makeKey(pair, CURRENT);
	if (pending.length) await key.promote(false);
	return key;
}

/** Of two tabs that do this at once, the first one's is kept. */
async function storeFirstKey() {
	const pair = await generatePair();
	await transact((store) => store.add(pair, CURRENT)).catch(() => {});
	return readKey(CURRENT);
}

// -- the database --

/** Script can store anything. @param {any} stored @returns {StoredKey | null} */
const keyPair = (stored) =>
	stored?.publicKey instanceof CryptoKey && stored?.privateKey instanceof CryptoKey ? stored : null;

/** @param {IDBValidKey} name */
const readKey = async (name) => keyPair(await transact((store) => store.get(name)));

/** Leaves one key, or none. A log-in ends the wish to log out. @type {ReplaceKeys} */
export const replaceKeys = (pair, isLogin) =>
	transact((store) => {
		/** @type {IDBRequest} */
		const cleared = store.delete(IDBKeyRange.lowerBound(isLogin ? LOGOUT_WISH : CURRENT));
		return pair ? store.put(pair, CURRENT) : cleared;
	});

/** @type {Transact} */
export async function transact(act, isFirst = true) {
	const database = await open();
	if (!database) return undefined;
	try {
		return await resultOf(act(database.transaction('keys', 'readwrite').objectStore('keys')));
	} catch (/** @type {any} */ error) {
		if (error.name !== 'NotFoundError' || !isFirst) throw error;
		database.close(); // script has put another database in its place
		await resultOf(indexedDB.deleteDatabase('latchkey'));
		return transact(act, false);
	} finally {
		database.close();
	}
}

async function open() {
	try {
		const opening = indexedDB.open('latchkey');
		opening.onupgradeneeded = () => opening.result.createObjectStore('keys');
		return await resultOf(opening);
	} catch (/** @type {any} */ error) {
		if (NO_STORAGE.has(error.name)) return null;
		throw error;
	}
}

/** @type {ResultOf} */
const resultOf = (request) =>
	new Promise((resolve, reject) => {
		request.onsuccess = () => resolve(request.result);
		request.onerror = () => reject(request.error);
		setTimeout(reject, DATABASE_MS, Error('The database does not answer.'));
	});
