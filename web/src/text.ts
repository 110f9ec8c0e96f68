/** Every English text that the console shows: one catalogue, one file an area (texts/). */

import { onlyOwn } from "./app/dictionary";
import { choice } from "./texts/choice";
import { clusters } from "./texts/clusters";
import { debug } from "./texts/debug";
import { dock } from "./texts/dock";
import { drawer } from "./texts/drawer";
import { frame } from "./texts/frame";
import { logs } from "./texts/logs";
import { nodes } from "./texts/nodes";
import { open, palette, shortcuts } from "./texts/palette";
import { pods } from "./texts/pods";
import { problem } from "./texts/problem";
import { services } from "./texts/services";
import { sessions } from "./texts/sessions";
import { terminal } from "./texts/terminal";
import { size } from "./texts/words";

// Words of a cluster are looked up in it.
export const text = onlyOwn({
  ...frame,
  clusters,
  services,
  nodes,
  pods,
  palette,
  shortcuts,
  open,
  drawer,
  logs,
  choice,
  debug,
  problem,
  sessions,
  dock,
  terminal,
  size,
});
