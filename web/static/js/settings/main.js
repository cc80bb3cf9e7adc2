/** Puts the settings page together. */

import { startAccess } from "../access.js";
import { byId } from "../dom.js";
import { startHelp } from "../help.js";
import { startService } from "../service.js";
import { shortcutList } from "../shortcuts.js";
import { showKept } from "./kept.js";
import { showKey } from "./key.js";
import { startLook } from "./look.js";

startAccess();
startService();
startHelp();
startLook();
showKept();
showKey();
byId("keyboard-list").replaceChildren(...shortcutList());
