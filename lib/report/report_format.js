// Runs in the reader's browser, before the rest of the page's script: how numbers and times are written.
// deno-lint-ignore-file no-unused-vars
/** Seconds between two ticks of a time axis: round in minutes, hours and days. */
const TIME_STEPS = [1, 2, 5, 10, 15, 30]
  .concat([1, 2, 5, 10, 15, 30].map((minutes) => 60 * minutes))
  .concat([1, 2, 4, 6, 12, 24, 48, 96, 168, 336].map((hours) => 3600 * hours));

/** Whole numbers as they are, others with up to four significant digits: learning rates are small, throughputs large. */
function format(value) {
  if (value === null || value === undefined) return "";
  const isWhole = Number.isInteger(value);
  if (value !== 0 && (Math.abs(value) < 1e-3 || Math.abs(value) >= (isWhole ? 1e9 : 1e6))) {
    return value.toExponential(1);
  }
  return (isWhole ? value : Number(value.toPrecision(4))).toLocaleString("en-US", { maximumFractionDigits: 20 });
}

/** Seconds as m:ss, h:mm:ss, or with days before that. */
function formatTime(seconds) {
  if (seconds === null || seconds === undefined) return "";
  const whole = Math.round(seconds);
  const [days, hours, minutes] = [
    Math.floor(whole / 86400),
    Math.floor(whole / 3600) % 24,
    Math.floor(whole / 60) % 60,
  ];
  const two = (number) => String(number).padStart(2, "0");
  const clock = whole < 3600 ? `${minutes}:${two(whole % 60)}` : `${hours}:${two(minutes)}:${two(whole % 60)}`;
  return days > 0 ? `${days} d ${clock}` : clock;
}
