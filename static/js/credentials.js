/** The page with the form that logs in, or opens an account. */

import { register, login } from './session.js';
import { find, parse } from './dom.js';
import { onFilled } from './forms.js';

const form = find('form[data-form]');
/** @type {'finish' | 'login'} */
const task = form.dataset.form;

/** @type {Record<typeof task, (fields: any) => Promise<unknown>>} */
const SEND = {
	async finish({ token, password }) {
		await register({ token, password }).catch((error) => {
			if (error.code === 'invalid_link') location.reload(); // the page says what to do then
			throw error;
		});
		await enter('/account');
	},
	async login({ email, password, remember, next }) {
		const { passwordBreached } = await login({ email, password, remember: !!remember }).catch((error) => {
			if (error.status) find('#password').value = '';
			throw error;
		});
		// Only a path of this site, in printable ASCII without backslashes.
		const wanted = /^\/(?!\/)[!-[\]-~]*$/.test(next) ? next : '/account';
		await enter(passwordBreached ? '/account/password?notice=password_breached' : wanted);
	},
};

onFilled(form, SEND[task]);

/** Turns this document into an account page, so that the token stays. @param {string} path */
async function enter(path) {
	const [page, shell] = await Promise.all([
		fetch(path, { cache: 'no-store' }).then(parse),
		import('./shell.js'),
	]).catch(() => []);
	if (!page || !find('#content', page)) return location.assign(path);
	for (const part of ['.top', 'main']) find(part).replaceWith(find(part, page));
	history.replaceState(null, '', path);
	await shell.start(true);
}
