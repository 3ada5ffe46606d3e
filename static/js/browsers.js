/**
 * Finds out what this browser does with the protections of the page: each probe tries what must not work.
 *
 * A probe resolves with true or false, and with null when it cannot tell. It uses names of its own, and
 * touches no cookie and no key of a session.
 */

import { find, findAll } from './dom.js';

const NAME = 'latchkey-probe';

/** Whether script can set such a cookie; it is deleted at once. @param {string} name @param {string} path */
function canSet(name, path) {
	const rest = `; Secure; SameSite=Strict; Path=${path}`;
	document.cookie = `${name}=1; Max-Age=5${rest}`;
	const isSet = document.cookie.split('; ').includes(`${name}=1`);
	document.cookie = `${name}=; Max-Age=0${rest}`;
	return isSet;
}

/** A refusal says something only where an ordinary cookie is taken. @param {string} name @param {string} path */
const refuses = (name, path) => (canSet(NAME, path) ? !canSet(name, path) : null);

/** @param {IDBRequest} request @returns {Promise<any>} */
const resultOf = (request) =>
	new Promise((resolve, reject) => {
		request.onsuccess = () => resolve(request.result);
		request.onerror = () => reject(request.error);
	});

/** Stores a key that cannot be copied, and returns what is read again. @param {CryptoKey} key */
async function storedAndRead(key) {
	const opening = indexedDB.open(NAME);
	opening.onupgradeneeded = () => opening.result.createObjectStore('keys');
	const database = await resultOf(opening);
	try {
		const store = () => database.transaction('keys', 'readwrite').objectStore('keys');
		await resultOf(store().put(key, 0));
		return await resultOf(store().get(0));
	} finally {
		database.close();
		indexedDB.deleteDatabase(NAME);
	}
}

/** @type {Record<string, () => boolean | null | Promise<boolean | null>>} */
const PROBES = {
	// The prefix allows no other path than /.
	hostPrefix: () => refuses('__Host-latchkey-probe', '/browsers'),

	httpPrefix: () => refuses('__Host-Http-latchkey-probe', '/'),

	trustedTypes: () => 'trustedTypes' in window,

	async lastingKey() {
		if (!crypto.subtle) return false;
		const algorithm = { name: 'ECDSA', namedCurve: 'P-256' };
		const { privateKey } = await crypto.subtle.generateKey(algorithm, false, ['sign']);
		const key = await storedAndRead(privateKey);
		if (!(key instanceof CryptoKey)) return false;
		return crypto.subtle.exportKey('pkcs8', key).then(() => false, () => true);
	},

	webLocks: async () =>
		!!navigator.locks && navigator.locks.request(NAME, { ifAvailable: true }, (lock) => lock !== null),
};

const ANSWERS = new Map([[true, 'Yes'], [false, 'No'], [null, 'Cannot tell here']]);

/** A probe that fails has shown that the browser does not do it. @param {HTMLElement} cell */
async function probe(cell) {
	const found = await (async () => PROBES[cell.dataset.probe ?? '']?.() ?? null)().catch(() => false);
	find('span', cell).textContent = ANSWERS.get(found);
	find('svg', cell).toggleAttribute('hidden', !found);
	cell.className = found ? 'chip safe' : 'chip plain';
	return found;
}

const all = await Promise.all(findAll('[data-probe]', document).map(probe));
find('[data-said]').textContent =
	`Your browser was probed. It has ${all.filter(Boolean).length} of the ${all.length} that script can find out.`;
