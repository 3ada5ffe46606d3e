/** What a run left behind, as elements. */

import { element } from '/static/js/dom.js';

/** @import { Exchange, Finding, Node, Run, Step, Verdict } from './types.d.ts' */

/** @type {Record<Verdict, string>} */
export const WORDS = { held: 'Held', got_through: 'Got through', inconclusive: 'Could not be run', skipped: 'Not run here' };

/** @type {Record<Node['state'], string>} */
const STATES = {
	current: 'the newest',
	spent: 'spent',
	retried: 'spent, asked for again, answered',
	reused: 'spent, used again, refused',
	dead: 'refused',
};
const FEW = 3; // exchanges in a row that are shown one by one

/** @param {string} name @param {any} made */
const styled = (name, made) => Object.assign(made, { className: name });
/** @param {string} text */
const quiet = (text) => styled('sr', element('span', text));

/** @param {Run} run */
function verdict({ verdict, why, steps }) {
	const { length } = steps.filter(({ kind }) => kind === 'finding');
	const through = steps.filter((step) => step.kind === 'finding' && !step.held).length;
	const where = length < 2 ? '' : through ? ` at ${through} of ${length} points` : ` at all ${length} points`;
	const then = why && (through ? `. After that: ${why}` : `: ${why}`);
	const made = styled('verdict', element('p', element('b', WORDS[verdict]), where, then));
	made.dataset.verdict = verdict;
	return made;
}

/** @param {Exchange} step */
function exchange({ who, request, answer, status, times }) {
	const [first = ''] = request.split('\n', 1);
	const line = element('summary', element('span', who), ' ', element('code', first), ' ',
		element('b', times > 1 ? `${times} × ${status}` : String(status)));
	/** @param {string} label @param {string} text */
	const message = (label, text) => {
		const made = element('pre', text);
		made.ariaLabel = label;
		made.tabIndex = 0;
		made.role = 'group';
		return made;
	};
	return styled('exchange', element('details', line, message('Request', request), message('Answer', answer)));
}

/** Findings of one line of defense, which is named unless it spoke last. @param {Finding[]} row @param {boolean} silent */
function findings(row, silent) {
	const list = element('ul');
	for (const { text, held } of row) {
		const item = element('li', quiet(held ? 'Held: ' : 'Got through: '), text);
		item.dataset.verdict = held ? 'held' : 'got_through';
		list.append(item);
	}
	return styled('findings', silent ? element('div', list) : element('div', element('code', row[0]?.by ?? ''), list));
}

/** @param {Exchange[]} many */
function crowd(many) {
	const told = new Map();
	for (const { status, times } of many) told.set(status, (told.get(status) ?? 0) + times);
	const counts = [...told].map(([status, count]) => `${count} × ${status}`).join(', ');
	const line = element('summary', `${[...told.values()].reduce((a, b) => a + b)} requests, answered `, element('b', counts));
	const list = element('ol', ...many.map((one) => element('li', exchange(one))));
	return styled('crowd', element('details', line, list));
}

/** Tells whether two steps are shown as one. @param {Step | undefined} one @param {Step} other */
const alike = (one, other) =>
	one?.kind === other.kind && (one.kind === 'exchange' || (one.kind === 'finding' && one.by === /** @type {Finding} */ (other).by));

/** @param {Step[]} steps */
function grouped(steps) {
	/** @type {any[][]} */ const rows = [];
	for (const step of steps) {
		const last = rows.at(-1);
		if (last && alike(last[0], step)) last.push(step);
		else rows.push([step]);
	}
	let spoke = '';
	return rows.flatMap((row) => {
		const [{ kind, text, by = spoke }] = row;
		const silent = by === spoke;
		spoke = kind === 'said' ? '' : by;
		if (kind === 'said') return [styled('tells', element('p', text))];
		if (kind === 'finding') return [findings(row, silent)];
		return row.length > FEW ? [crowd(row)] : row.map(exchange);
	});
}

/** All steps, folded up where there is little room. @param {Step[]} steps */
function story(steps) {
	const sent = steps.reduce((sum, step) => sum + (step.kind === 'exchange' ? step.times : 0), 0);
	const line = element('summary', `What was done${sent ? `, in ${sent} ${sent === 1 ? 'request' : 'requests'}` : ''}`);
	const list = styled('steps', element('ol', ...grouped(steps).map((step) => element('li', step))));
	const made = styled('story', element('details', line, list));
	made.open = matchMedia('(min-width: 48rem)').matches;
	return made;
}

/** One session: from when one of its tokens is refused without being spent, none opens anything. @param {Node[]} nodes */
function family(nodes) {
	const over = nodes.some(({ state }) => state === 'dead');
	const list = styled('lineage', element('ol'));
	for (const { number, state } of nodes) {
		const text = over && state === 'current' ? 'not tried any more' : STATES[state];
		const item = element('li', element('b', quiet('Refresh token '), String(number)), ' ', text);
		item.dataset.state = over && state === 'current' ? 'dead' : state;
		list.append(item);
	}
	if (over) list.append(styled('end', element('li', 'Revoked: nothing of this session opens anything')));
	list.ariaLabel = `Session ${nodes[0]?.family}`;
	return list;
}

/** @param {Node[]} nodes */
function families(nodes) {
	const all = [...new Set(nodes.map((node) => node.family))].map((one) => nodes.filter((node) => node.family === one));
	const drawn = all.flatMap((one) => {
		const list = family(one);
		return all.length > 1 ? [element('p', list.ariaLabel), list] : [list];
	});
	return element('figure', element('figcaption', 'The refresh tokens, as they were handed out'), ...drawn);
}

/** One run: its verdict, its picture, its steps. @param {string} name @param {Run} run */
export function part(name, run) {
	const made = element('section', element('h3', name), verdict(run));
	if (run.picture.length > 1) made.append(families(run.picture));
	if (run.steps.length) made.append(story(run.steps));
	return made;
}
