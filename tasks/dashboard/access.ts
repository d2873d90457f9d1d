// Who may see a dashboard: programs on this machine, or anyone who has the token.
import { timingSafeEqual } from "node:crypto";
import { excerpt } from "../../lib/io/excerpt.ts";
import { sha256 } from "../../lib/io/sha256.ts";

/** Where it is served, and who may see it. */
export interface Access {
  /** The address that it listens on. */
  readonly hostname: string;
  /** What a request must bring as `token=`. Without one, requests must be to this machine by its own names. */
  readonly token?: string;
}

/** Only programs on this machine reach it. */
export const LOCAL: Access = { hostname: "127.0.0.1" };

/** Names that a browser on this machine may know the server by; others come from a page whose name was made to point here. */
const LOCAL_NAMES = ["127.0.0.1", "localhost"];

/** Bits of a token: too many to guess. */
const TOKEN_BITS = 128;

/** A token that was never used before. */
export function randomToken(): string {
  return crypto.getRandomValues(new Uint8Array(TOKEN_BITS / 8)).toHex();
}

/** Why a request is refused: the status, and a sentence. */
export interface Refusal {
  readonly status: number;
  readonly message: string;
}

/** What is wrong with who asks, if anything is. */
export function refusalOf({ url, headers }: Request, { token }: Access, port: number): Refusal | undefined {
  if (token === undefined) return refusalOfHost(url, headers.get("host"), port);
  const given = URL.parse(url)?.searchParams.get("token") ?? "";
  if (isSame(given, token)) return undefined;
  const got = given === "" ? "no token" : "another token";
  return {
    status: 403,
    message: `Cannot answer: got ${got}, must be the dashboard's. Open the whole address that it printed`,
  };
}

function refusalOfHost(url: string, host: string | null, port: number): Refusal | undefined {
  const known = LOCAL_NAMES.map((name) => new URL(`http://${name}:${port}`).host);
  const mustBe = known.join(" or ");
  // An address in the request line may name another host than the header does.
  for (const named of [host, url]) {
    if (named === null) continue;
    const asked = URL.parse(named === url ? url : `http://${named}/`);
    if (asked === null) return { status: 400, message: `Cannot answer: got host ${excerpt(named)}, must be ${mustBe}` };
    if (!known.includes(asked.host)) {
      return { status: 403, message: `Cannot answer: got host ${excerpt(asked.host)}, must be ${mustBe}` };
    }
  }
  return undefined;
}

/** Whether two texts are the same. How long it takes tells nothing of how much of a guess was right. */
export function isSame(given: string, expected: string): boolean {
  // Hashes have the same length, which is compared first.
  const [a, b] = [given, expected].map((text) => new TextEncoder().encode(sha256(text)));
  return timingSafeEqual(a, b);
}
