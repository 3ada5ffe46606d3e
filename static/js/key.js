/** This browser's key (RFC 9449). The private part cannot be exported and never leaves this module. */

const { subtle } = crypto;
const digest = subtle?.digest.bind(subtle);
const sign = subtle?.sign.bind(subtle);
const encode = TextEncoder.prototype.encode.bind(new TextEncoder());
const ALGORITHM = { name: 'ECDSA', namedCurve: 'P-256', hash: 'SHA-256' };

let key;
let nonce = '';
export const hear = (newest) => (nonce = newest || nonce);

const base64url = (bytes) =>
	btoa(String.fromCharCode(...new Uint8Array(bytes))).replace(/[+/=]/g, (mark) => ({ '+': '-', '/': '_' })[mark] ?? '');
const json = (part) => base64url(encode(JSON.stringify(part)));

const done = (request) =>
	new Promise((resolve, reject) => {
		request.onsuccess = () => resolve(request.result);
		request.onerror = () => reject(request.error);
		setTimeout(reject, 5000, Error());
	});

/** Made at first need, and used only as read back. */
async function load() {
	const opening = indexedDB.open('latchkey');
	opening.onupgradeneeded = () => opening.result.createObjectStore('keys');
	const database = await done(opening);
	const keys = async (act, ...given) => {
		try {
			return await done(database.transaction('keys', 'readwrite').objectStore('keys')[act](...given));
		} catch {
			throw Error(); // a key may be there
		}
	};
	if (!await keys('count')) {
		await keys('add', await subtle.generateKey(ALGORITHM, false, ['sign']), 1).catch(() => {}); // there is one now
	}
	const { publicKey, privateKey } = await keys('get', 1);
	database.close();
	const { kty, crv, x, y } = await subtle.exportKey('jwk', publicKey);
	return { privateKey, jwk: { kty, crv, x, y } };
}

/** A proof; none where no key can be kept. Rejects when it cannot be reached just now. */
export async function prove(htm, url, token) {
	try {
		if (!token || !key) key = await load(); // a logout elsewhere wipes it
	} catch ({ name }) {
		if (/Reference|Type|Security|State|NotSupported/.test(name)) return null;
		throw Error();
	}
	const { origin, pathname } = new URL(url, location.href);
	const iat = Math.floor(Date.now() / 1000);
	const ath = token && base64url(await digest('SHA-256', encode(token)));
	const claims = { jti: crypto.randomUUID(), htm, htu: origin + pathname, iat, nonce, ath };
	const signed = `${json({ typ: 'dpop+jwt', alg: 'ES256', jwk: key.jwk })}.${json(claims)}`;
	return `${signed}.${base64url(await sign(ALGORITHM, key.privateKey, encode(signed)))}`;
}
