/** The page's own script: it is logged in, and holds the token as every page does. */

import { find } from '/static/js/dom.js';
import { rememberNonce } from '/static/js/dpop.js';
import { refresh } from '/static/js/session.js';

rememberNonce(find('meta[name=dpop-nonce]').content);
await refresh();
dispatchEvent(new Event('inside'));
