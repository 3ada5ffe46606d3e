/**
 * What outlives the page, in IndexedDB: this browser's keys, and the wish to log out until the
 * server has heard of it. No token is ever stored. Script can put anything in its place.
 *
 * Each function rejects with NoStorage where nothing can be stored, and with another Error when the
 * database does not answer just now or is full.
 */

/** @import { StoredKey } from './internal.d.ts' */

// Names of the records; those of pending keys are random texts, which come after both.
const LOGOUT_WISH = 0;
export const CURRENT = 1;

const TIMEOUT_MS = 5_000;

/** What opening a database throws where there is none, as in some private modes. */
const NO_STORAGE = new Set([
	'ReferenceError', 'TypeError', 'SecurityError', 'InvalidStateError', 'NotSupportedError',
]);

/** This browser stores nothing, so waiting does not help. */
export class NoStorage extends Error {}

/**
 * @template T
 * @param {IDBRequest<T>} request
 * @returns {Promise<T>}
 */
const result = (request) =>
	new Promise((resolve, reject) => {
		request.onsuccess = () => resolve(request.result);
		request.onerror = () => reject(request.error);
		setTimeout(reject, TIMEOUT_MS, Error('The database does not answer.'));
	});

async function open() {
	try {
		const opening = indexedDB.open('latchkey');
		opening.onupgradeneeded = () => opening.result.createObjectStore('keys');
		return await result(opening);
	} catch (/** @type {any} */ error) {
		throw NO_STORAGE.has(error.name) ? new NoStorage(error.message) : error;
	}
}

/**
 * Runs one transaction: all of it happens, or nothing.
 *
 * @template T
 * @param {(store: IDBObjectStore) => IDBRequest<T>} act
 * @returns {Promise<T>} the result of the request that `act` returned, which is its last one
 */
async function transact(act, isFirst = true) {
	const database = await open();
	try {
		return await result(act(database.transaction('keys', 'readwrite').objectStore('keys')));
	} catch (/** @type {any} */ error) {
		if (error.name !== 'NotFoundError' || !isFirst) throw error;
		database.close(); // script has put another database in its place
		await result(indexedDB.deleteDatabase('latchkey'));
		return transact(act, false);
	} finally {
		database.close();
	}
}

/** Reads the session's key and the pending ones. */
export async function readKeys() {
	const [first, ...others] = await transact((store) => store.getAll(IDBKeyRange.lowerBound(CURRENT)));
	return first?.since ? { current: undefined, pending: [first, ...others] } : { current: first, pending: others };
}

/** @param {IDBValidKey} name */
export const readKey = (name) => transact((store) => store.get(name));

/** @param {IDBValidKey} name @param {StoredKey} key */
export const writeKey = (name, key) => transact((store) => store.put(key, name));

/**
 * Stores the session's key. Rejects when there is one: of two tabs, the first one's is kept.
 *
 * @param {StoredKey} key
 */
export const addCurrentKey = (key) => transact((store) => store.add(key, CURRENT));

/** @param {IDBValidKey} name */
export const deleteKey = (name) => transact((store) => store.delete(name));

/**
 * Makes a key the only one, or leaves none.
 *
 * @param {StoredKey | null} key
 * @param {boolean} isLogin a log-in also ends the wish to log out, in the same transaction
 */
export const replaceKeys = (key, isLogin) =>
	transact((store) => {
		/** @type {IDBRequest} */
		const cleared = store.delete(IDBKeyRange.lowerBound(isLogin ? LOGOUT_WISH : CURRENT));
		return key ? store.put(key, CURRENT) : cleared;
	});

/** Stores that the user asked to be logged out. */
export const storeLogoutWish = () => transact((store) => store.put(true, LOGOUT_WISH));

export const hasLogoutWish = async () => !!await transact((store) => store.get(LOGOUT_WISH));

/** Forgets the keys and the wish: the session is over. */
export const deleteAll = () => transact((store) => store.clear());
