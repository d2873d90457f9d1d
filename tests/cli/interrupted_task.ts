// A task that works until it is interrupted; with --deaf, it continues even then. It prints when it can be interrupted.
import { stub } from "@std/testing/mock";
import { untilInterrupted } from "../../tasks/cli/interrupt.ts";
import { runTask } from "../../tasks/cli/run.ts";

// Each look at the clock is a second later: signals that come one after the other are not the same one.
let now = 0;
stub(performance, "now", () => now += 1000);

const alive = setInterval(() => {}, 1000);
const code = await runTask(
  { name: "t", help: "", flags: { deaf: { type: "boolean" } } },
  Deno.args,
  ({ deaf }) =>
    untilInterrupted((signal) =>
      new Promise((_, reject) => {
        signal.addEventListener("abort", () => deaf ? console.log("deaf") : reject(signal.reason));
        console.log("ready");
      })
    ),
);
clearInterval(alive);
Deno.exit(code);
