// A conversation from its first turn to its last: texts are answered, commands obeyed.
import { writeFileAtomically } from "../../lib/io/atomic.ts";
import { UserError } from "../cli/errors.ts";
import { requireOutputFile } from "../cli/output.ts";
import type { Speaker } from "./speaker.ts";
import type { Turn } from "./turns.ts";

/** What a person can do besides talking. */
export const COMMANDS_HELP = `/reset      forget the conversation
/retry      answer the last text again, otherwise
/save FILE  write the conversation as a line of JSON, to fine-tune on
/help       list these
/exit       end, as Ctrl-D does
"""         around several lines: one text; \`\`\` around code
//like      a text that begins with a slash
Ctrl-C      end an answer`;

/** Where a conversation's words go. */
export interface Listener {
  /** Bytes of an answer. */
  readonly write: (bytes: Uint8Array) => Promise<void>;
  /** What is no part of an answer. */
  readonly say: (line: string) => void;
  /** Called once an answer stands as a whole. */
  readonly afterAnswer: () => void;
  /** Called with what cannot be done; if it throws that, the conversation ends. */
  readonly onError: (error: UserError) => void;
  /** Runs what gives an answer with a signal that ends it. */
  readonly whileAnswering: (answer: (signal: AbortSignal) => Promise<void>) => Promise<void>;
}

const NEWLINE = new TextEncoder().encode("\n");

/** Talks until the turns end, or one is `/exit`. */
export async function talk(turns: AsyncIterable<Turn>, speaker: Speaker, listener: Listener): Promise<void> {
  for await (const turn of turns) {
    if (turn.kind === "command" && ["exit", "quit", "bye"].includes(turn.name)) return;
    try {
      if (turn.kind === "text") await answer(turn.text, speaker, listener);
      else await obey(turn, speaker, listener);
    } catch (error) {
      if (!(error instanceof UserError)) throw error;
      listener.onError(error);
    }
  }
}

async function answer(text: string, speaker: Speaker, { write, afterAnswer, whileAnswering }: Listener): Promise<void> {
  let hasBegun = false;
  try {
    await whileAnswering(async (signal) => {
      for await (const bytes of speaker.answer(text, signal)) {
        hasBegun = true;
        await write(bytes);
      }
      // An empty answer is a line too, so that who reads lines can count them.
      hasBegun = true;
    });
  } finally {
    if (hasBegun) await write(NEWLINE);
    afterAnswer();
  }
}

async function obey(
  { name, rest }: Extract<Turn, { kind: "command" }>,
  speaker: Speaker,
  listener: Listener,
): Promise<void> {
  if (name === "help") listener.say(COMMANDS_HELP);
  else if (name === "reset") {
    speaker.reset();
    listener.say("The conversation is forgotten.");
  } else if (name === "retry") {
    const text = speaker.takeBack();
    if (text === undefined) throw new UserError("Cannot answer again: got no text yet, must be one. Write one");
    await answer(text, speaker, listener);
  } else if (name === "save") await save(rest, speaker, listener);
  else {
    throw new UserError(
      `Cannot do /${name}: got no such command, must be one of those that /help lists. To say it: //${name}`,
    );
  }
}

async function save(path: string, speaker: Speaker, { say }: Listener): Promise<void> {
  if (path === "") throw new UserError("Cannot save: got no name, must be a file's. Write /save chat.jsonl");
  const record = speaker.record();
  if (record === "") throw new UserError("Cannot save: got an empty conversation, must have an answer. Write a text");
  await requireOutputFile(path, { force: false, inputs: [] });
  await writeFileAtomically(path, record);
  say(`Saved: ${path}`);
}
