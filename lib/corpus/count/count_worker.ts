// A worker that counts pre-tokens: takes segments until none are left, then reports its counts.
import { SegmentQueue } from "../../io/segment_queue.ts";
import { serveJob } from "../../io/worker_job.ts";
import { WordCounter } from "../../tokenizer/train/count.ts";
import { type CountJob, countSegments } from "./count_files.ts";
import { dividingTokens } from "../../tokenizer/encode/text_preparation.ts";

serveJob<CountJob, Uint8Array>(({ files, queue, pattern, normalizer, specialTexts }, report) => {
  const specials = dividingTokens(specialTexts, { pattern, normalizer });
  const counter = new WordCounter(pattern, specials, normalizer);
  for (const _ of countSegments(counter, files, specials, new SegmentQueue(queue)));
  for (const part of counter.parts()) report(part, [part.buffer]);
});
