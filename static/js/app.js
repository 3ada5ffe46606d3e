/** Where every page with script starts: each loads what its forms and its content need. */

import './session.js'; // first, because it captures the platform's functions
import { find } from './dom.js';
import { rememberNonce } from './dpop.js';

rememberNonce(find('meta[name=dpop-nonce]')?.content);
const credentialsForm = find('form[data-form]');
if (credentialsForm) import('./credentials.js').then(({ attach }) => attach(credentialsForm));
if (find('#content')) import('./shell.js').then(({ start }) => start());
