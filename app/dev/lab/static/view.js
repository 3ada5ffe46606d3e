/** The parts of a run's picture: lanes, messages, refresh tokens. */

import { element } from '/static/js/dom.js';

/** @import { Exchange, Node, Side, Tick, Verdict } from './types.d.ts' */

/** @type {Record<Node['state'], string>} */
const STATES = {
	current: 'the newest',
	spent: 'spent',
	retried: 'spent, asked for again, answered',
	reused: 'spent, used again, refused',
	dead: 'refused',
};

/** @type {Record<Side, string>} */
export const NAMES = { here: 'Latchkey', weakened: 'Without the defense' };

/** @type {Record<Side, Record<Verdict, string>>} */
const SENTENCES = {
	here: {
		held: 'Latchkey blocked it.',
		got_through: 'Latchkey did not block it.',
		inconclusive: 'It could not be run against Latchkey.',
		skipped: 'It was not run against Latchkey.',
	},
	weakened: {
		held: 'Without that line it was blocked too.',
		got_through: 'Without the defense it succeeded.',
		inconclusive: 'It could not be run without the defense.',
		skipped: 'It was not run without the defense.',
	},
};

/** @param {Side} side @param {Verdict} verdict */
export const sentence = (side, verdict) => SENTENCES[side][verdict];

/** @param {string} name @param {any} made */
export const styled = (name, made) => Object.assign(made, { className: name });
/** @param {string} text */
export const hush = (text) => styled('hush', element('span', text));

const HONEST = new Set(['owner', 'owner\'s phone', 'browser', 'victim', 'victim\'s browser', 'visitor']);

/** @param {Exchange} exchange */
export const isHonest = ({ who }) => HONEST.has(who);

/** @param {Exchange} exchange */
function answered({ answer, status }) {
	const code = /"code":\s*"([a-z_]+)"/.exec(answer)?.[1] ?? '';
	return `${status} ${code}`.trim();
}

/** Its colour: that of what was found, or else of a live credential. @param {Tick} tick @param {boolean} honest */
function mood({ exchange, findings }, honest) {
	if (findings.some(({ held }) => !held)) return 'lost';
	if (findings.length) return 'safe';
	return honest && exchange && exchange.status < 400 ? 'live' : '';
}

/** What was found, where a defense may have fallen: an answer speaks for itself. @param {string} text */
function seen(text) {
	const expected = /^not so: (.*)$/.exec(text)?.[1];
	if (!expected) return text;
	return /: \d{3}( \w+)?$/.test(expected) ? expected : `no longer true: ${expected}`;
}

/** What one side does in a row. @param {Side} side @param {Tick | null} tick @param {string[]} names the two who are named above */
export function lane(side, tick, names) {
	const made = styled('lane', element('div', hush(`${NAMES[side]}: `), Object.assign(styled('lane-name', element('span', NAMES[side])), { ariaHidden: 'true' })));
	made.dataset.side = side;
	if (!tick) {
		made.append(element('p', 'Nothing is sent here.'));
		return made;
	}
	const { exchange, findings } = tick;
	if (exchange) {
		const honest = isHonest(exchange);
		const thief = honest ? '' : ' of-thief';
		const [first = ''] = exchange.request.split('\n', 1);
		const many = exchange.times > 1 ? `${exchange.times} × ` : '';
		const who = names.includes(exchange.who) ? hush(`${exchange.who}: `) : element('i', `${exchange.who}: `);
		made.append(
			styled(`msg${thief}`, element('span', who, many + first)), ' ',
			styled(`msg back${thief} ${mood(tick, honest)}`, element('span', hush('Answer: '), answered(exchange))),
		);
	}
	if (findings.length) {
		const list = styled('findings', element('ul'));
		for (const { text, held, by } of findings) {
			const item = element('li', hush(held ? 'Blocked: ' : 'Succeeded: '), seen(text));
			item.title = by;
			item.dataset.verdict = held ? 'held' : 'got_through';
			list.append(item);
		}
		made.append(list);
	}
	return made;
}

/** The messages of one side, in full. @param {Side} side @param {Tick | null} tick */
export function messages(side, tick) {
	const made = element('div');
	if (!tick?.exchange) return made;
	for (const [label, text] of /** @type {const} */ ([['Request', tick.exchange.request], ['Answer', tick.exchange.answer]])) {
		const shown = element('pre', text);
		shown.ariaLabel = `${label}, ${NAMES[side]}`;
		shown.tabIndex = 0;
		shown.role = 'group';
		made.append(shown);
	}
	for (const by of new Set(tick.findings.map((one) => one.by))) made.append(styled('hint', element('p', 'Defense: ', element('code', by))));
	return made;
}

/** One session: from when one of its tokens is refused without being spent, none opens anything. @param {Node[]} nodes */
function family(nodes) {
	const over = nodes.some(({ state }) => state === 'dead');
	const list = styled('lineage', element('ol'));
	for (const { number, state } of nodes) {
		const text = over && state === 'current' ? 'not tried any more' : STATES[state];
		const item = element('li', element('b', hush('Refresh token '), `R${number}`), ' ', text);
		item.dataset.state = over && state === 'current' ? 'dead' : state;
		list.append(item);
	}
	if (over) list.append(styled('end', element('li', 'Revoked: nothing of this session opens anything')));
	list.ariaLabel = `Session ${nodes[0]?.family}`;
	return list;
}

/** The refresh tokens of one side. @param {Node[]} nodes */
export function families(nodes) {
	const all = [...new Set(nodes.map((node) => node.family))].map((one) => nodes.filter((node) => node.family === one));
	const drawn = all.flatMap((one) => {
		const list = family(one);
		return all.length > 1 ? [element('p', list.ariaLabel), list] : [list];
	});
	return styled('families', element('details', element('summary', 'The refresh tokens, as they were handed out'), ...drawn));
}
