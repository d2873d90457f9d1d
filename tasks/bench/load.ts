// Many requests to a server, a number of them at any time.
import { median } from "../../lib/measure/kernel_time.ts";

/** What is sent, and how. */
export interface Load {
  /** Where to. */
  readonly url: string;
  readonly requests: number;
  /** How many are under way at any time. */
  readonly atOnce: number;
  readonly maxTokens: number;
}

/** What came back. */
export interface LoadResult {
  readonly requests: number;
  readonly atOnce: number;
  /** Requests that did not bring all of their tokens. */
  readonly lost: number;
  readonly seconds: number;
  readonly requestsPerSecond: number;
  readonly tokensPerSecond: number;
  /** Seconds from a request to the end of its answer: of half of them, and of all but one in a hundred. */
  readonly p50: number;
  readonly p99: number;
}

/** Sends completions, each with a seed of its own. */
export async function sendLoad({ url, requests, atOnce, maxTokens }: Load): Promise<LoadResult> {
  const times: number[] = [];
  let sent = 0;
  let tokens = 0;
  let lost = 0;
  const client = async () => {
    while (sent < requests) {
      const seed = sent++;
      const begin = performance.now();
      const made = await tokensOf(url, { prompt: "The cat", max_tokens: maxTokens, seed });
      times.push((performance.now() - begin) / 1000);
      tokens += made;
      if (made !== maxTokens) lost++;
    }
  };
  const begin = performance.now();
  await Promise.all(Array.from({ length: atOnce }, client));
  const seconds = (performance.now() - begin) / 1000;
  const sorted = times.toSorted((a, b) => a - b);
  return {
    requests,
    atOnce,
    lost,
    seconds,
    requestsPerSecond: requests / seconds,
    tokensPerSecond: tokens / seconds,
    p50: median(sorted),
    p99: sorted[Math.ceil(0.99 * sorted.length) - 1],
  };
}

/** Tokens that a request brought: none if it was not answered. */
async function tokensOf(url: string, request: unknown): Promise<number> {
  const response = await fetch(`${url}/v1/completions`, {
    method: "POST",
    headers: { "content-type": "application/json" },
    body: JSON.stringify(request),
  });
  const { usage } = await response.json() as { readonly usage?: { readonly completion_tokens: number } };
  return usage?.completion_tokens ?? 0;
}
