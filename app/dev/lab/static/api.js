/** @import { BrowserRun, FinishedRun, Report, Seen, WeakenedSession } from './types.d.ts' */

const UNREACHABLE = 'The server could not be reached. Check that it still runs, then try again.';
const LOST = 'The connection was lost before the run ended. What had arrived is shown; run it again for the rest.';

/** @param {string} path @param {string} method */
async function send(path, method) {
	const answer = await fetch(`/lab/${path}`, { method, headers: { accept: 'application/json' } }).catch(() => {
		throw Error(UNREACHABLE);
	});
	if (answer.ok) return answer;
	const { detail } = await answer.json().catch(() => ({}));
	throw Error(detail ?? `The server answered ${answer.status}.`);
}

/**
 * @param {string} path
 * @returns {Promise<any>} the JSON of the answer, which each function below gives its type
 */
const ask = async (path, method = 'POST') => (await send(path, method)).json().catch(() => ({}));

/**
 * Begins a run, and hands over each event as it comes. Rejects when the connection is lost.
 *
 * @param {string} path
 * @param {(event: any) => void} hear
 */
export async function follow(path, hear) {
	const { body } = await send(path, 'POST');
	const reader = /** @type {ReadableStream<BufferSource>} */ (body).pipeThrough(new TextDecoderStream()).getReader();
	let [rest, whole] = ['', false];
	for (;;) {
		const { done, value } = await reader.read().catch(() => {
			throw Error(LOST);
		});
		if (done && !whole) throw Error(LOST);
		if (done) return;
		const lines = (rest + value).split('\n');
		rest = lines.pop() ?? '';
		for (const line of lines) {
			const event = JSON.parse(line);
			if ('failed' in event) throw Error(event.failed);
			hear(event);
			whole = 'run' in event || 'done' in event; // each stream's last event has one of them
		}
	}
}

/** @param {string} run @returns {Promise<FinishedRun>} */
export const finished = (run) => ask(`runs/${run}/steps`, 'GET');

/** @returns {Promise<BrowserRun>} */
export const open = () => ask('browser');

/** @param {string} run @returns {Promise<(Seen | Report)[]>} */
export const seen = async (run) => (await ask(`browser/${run}`, 'GET')).seen;

/** @param {string} run */
export const close = (run) => ask(`browser/${run}/close`);

/**
 * Asks a weakened page.
 *
 * @param {string} run
 * @param {string} name
 * @param {string} [method]
 * @returns {Promise<WeakenedSession>}
 */
export const weakened = (run, name, method) => ask(`attacker-site/weakened/${name}?lab_run=${run}`, method);
