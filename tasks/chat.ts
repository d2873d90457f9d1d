/**
 * Talks with a model that was fine-tuned to answer.
 *
 *   deno task chat --run RUN
 */
import { formatAmount } from "../lib/accounting/units.ts";
import { parameterSpecs, sizeOf } from "../lib/model/parameters.ts";
import { LARGEST_FIRST_SEED } from "../lib/random/philox.ts";
import { LoadedModel } from "../lib/run/loaded_model.ts";
import { ChatSession } from "./chat/chat_session.ts";
import { CHAT_TEMPLATE_FLAG, findChatTemplate, TEMPLATE_NAMES } from "./chat/find_template.ts";
import { pipedLines } from "./chat/piped_lines.ts";
import type { AnswerFigures, Speaker, SpeakerOptions } from "./chat/speaker.ts";
import { COMMANDS_HELP, talk } from "./chat/talk.ts";
import { CONTINUED, PROMPT, TerminalLines } from "./chat/terminal_lines.ts";
import { TextCompletion } from "./chat/text_completion.ts";
import { turnsOf } from "./chat/turns.ts";
import { startBackend } from "./cli/backend.ts";
import { describeError, UsageError, type UserError } from "./cli/errors.ts";
import type { Flags } from "./cli/flags.ts";
import { untilCtrlC } from "./cli/interrupt.ts";
import { loadRun, WEIGHTS_DTYPE_FLAG } from "./cli/load_run.ts";
import { runProgram } from "./cli/program.ts";
import { runTask } from "./cli/run.ts";
import { SAMPLING_FLAGS, samplingOf } from "./cli/sampling_flags.ts";
import { writeOut } from "./cli/standard_output.ts";
import { unlessUnheard } from "./cli/unheard.ts";

const HELP = `
Talks with a model, printing its answers as they are generated. What was computed for earlier turns is kept. Once the
conversation fills the model's window, its oldest turns are left out. A model without a chat template continues each
text by itself.

  deno task chat --run out/smollm2 --system "Answer in one sentence."
  deno task chat --run out/smollm2 < questions.txt

From a pipe, each line is a turn, and only answers go to stdout.

Model
  --run RUN          A run directory, trained here or imported.
  --weights WHICH    last, or best: those with the lowest validation loss (default: last)
  --weights-dtype NAME  What weights are kept in: f32, bf16 or int8, as for generate (default: f32)
  --chat-template NAME  ${TEMPLATE_NAMES}, or a file in Jinja's language (default: what came with the model)
  --backend NAME     auto, webgpu, native or wasm (default: auto)

Text
  --system TEXT      Instructions that stand before the conversation.
  --max-tokens N     The most tokens of an answer (default: 512)
  --stop TEXT        End answers before this text; may be given several times.
  --timings          Say after each answer how long it took.

Sampling
  --temperature X    0 always takes the likeliest token; higher is wilder (default: 0.8)
  --top-k N          Sample among the N likeliest tokens.
  --min-p X          Sample among tokens at least X times as likely as the likeliest.
  --top-p X          Sample among the likeliest tokens that together have this probability (default: 0.95)
  --repetition-penalty X  Above 1, tokens that are already in the context become less likely; from 1e-6 to 1e6
                     (default: 1)
  --seed N           The same seed and texts give the same answers (default: 0)

While talking
${COMMANDS_HELP.replace(/^(?=.)/gm, "  ")}
`;

const FLAGS = {
  run: { type: "string", required: true },
  weights: { type: "string", default: "last", choices: ["last", "best"] },
  "weights-dtype": WEIGHTS_DTYPE_FLAG,
  "chat-template": CHAT_TEMPLATE_FLAG,
  backend: { type: "string", default: "auto", choices: ["auto", "webgpu", "native", "wasm"] },
  system: { type: "string" },
  "max-tokens": { type: "integer", default: 512, min: 1 },
  stop: { type: "strings" },
  timings: { type: "boolean" },
  ...SAMPLING_FLAGS,
  seed: { type: "integer", default: 0, min: 0, max: LARGEST_FIRST_SEED },
} as const;

export async function main(args: string[]): Promise<number> {
  return await runTask({ name: "chat", help: HELP, flags: FLAGS }, args, chat);
}

async function chat(flags: Flags<typeof FLAGS>): Promise<void> {
  if (flags.stop.includes("")) {
    throw new UsageError("Cannot chat: got an empty --stop, must be some text. See: deno task chat --help");
  }
  const sampling = samplingOf(flags);
  const run = await loadRun(flags.run, flags.weights, flags["weights-dtype"]);
  const template = await findChatTemplate(run.tokenizer, flags["chat-template"]);
  if (template === undefined && flags.system !== undefined) {
    throw new UsageError(
      `Cannot chat with ${flags.run}: got --system, must be for a model with a chat template. Pass --chat-template too`,
    );
  }
  await using backend = await startBackend(flags.backend);
  await using model = await LoadedModel.load(backend, run);
  /** What is said after an answer, and not in the middle of it. */
  const notes: string[] = [];
  const common = { write: writeOut, say, afterAnswer: () => notes.splice(0).forEach(say) };
  const options: SpeakerOptions = {
    sampling,
    maxTokens: flags["max-tokens"],
    seed: flags.seed,
    stopStrings: flags.stop,
    onNote: (note) => notes.push(`(${note}.)`),
    ...(flags.timings && { onFigures: (figures) => notes.push(`(${describeFigures(figures)})`) }),
  };
  const speaker: Speaker = template === undefined
    ? new TextCompletion(model, options)
    : new ChatSession(model, template, { ...options, system: flags.system });
  if (template === undefined) {
    say(`${flags.run} has no chat template: it continues each text by itself.`);
  }
  if (Deno.stdin.isTerminal()) {
    const parameters = parameterSpecs(model.config).reduce((sum, spec) => sum + sizeOf(spec), 0);
    say(
      `${formatAmount(parameters)} parameters, a window of ${model.config.contextLength} tokens. /help lists commands.`,
    );
    const lines = new TerminalLines();
    await talk(turnsOf((isInFence) => lines.read(isInFence ? CONTINUED : PROMPT)), speaker, {
      ...common,
      ...AT_TERMINAL,
    });
  } else await talk(turnsOf(pipedLines(Deno.stdin.readable)), speaker, { ...common, ...PIPED });
}

function say(line: string): void {
  unlessUnheard(() => console.error(line));
}

/** At a terminal, a mistake is told, and Ctrl-C only ends an answer. */
const AT_TERMINAL = {
  onError: (error: UserError) => say(describeError(error)),
  whileAnswering: untilCtrlC,
};

/** In a pipe, nobody would see a mistake among the answers: it ends the task. */
const PIPED = {
  onError: (error: UserError) => {
    throw error;
  },
  whileAnswering: (answer: (signal: AbortSignal) => Promise<void>) => answer(new AbortController().signal),
};

/** `first token after 0.31 s (1000 of 1053 tokens were kept), then 8.2 tokens/s`. */
function describeFigures(figures: AnswerFigures): string {
  const { promptTokens, cachedTokens, answerTokens, firstSeconds, restSeconds } = figures;
  const rate = answerTokens > 1 ? `, then ${((answerTokens - 1) / restSeconds).toFixed(1)} tokens/s` : "";
  return `${promptTokens} tokens, ${cachedTokens} of them kept: first token after ${firstSeconds.toFixed(2)} s${rate}`;
}

if (import.meta.main) await runProgram(main);
