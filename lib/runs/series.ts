/** Points of a curve, as columns: plain data. A point stands for the values of `width` iterations. */
export interface SeriesData {
  /** Iterations that a point stands for, a power of two. */
  width: number;
  /** The first iteration of each point. */
  at: number[];
  /** Seconds since the start of the run. */
  seconds: number[];
  /** Mean, least and greatest value, and how many there were. */
  mean: number[];
  min: number[];
  max: number[];
  count: number[];
}

/** Points that a curve has at most: more than a screen has columns. */
export const MOST_POINTS = 2048;

/** A curve without points. */
export const newSeries = (): SeriesData => ({
  width: 1,
  at: [],
  seconds: [],
  mean: [],
  min: [],
  max: [],
  count: [],
});

/** Adds the value of an iteration, in order. Where the points become too many, two by two become one of twice the width. */
export function addValue(series: SeriesData, iteration: number, seconds: number, value: number): void {
  if (!Number.isFinite(value)) return;
  const { width, at, mean, min, max, count } = series;
  const last = at.length - 1;
  if (last >= 0 && Math.floor(at[last]! / width) === Math.floor(iteration / width)) {
    count[last]!++;
    mean[last]! += (value - mean[last]!) / count[last]!;
    min[last] = Math.min(min[last]!, value);
    max[last] = Math.max(max[last]!, value);
    series.seconds[last] = seconds;
    return;
  }
  at.push(iteration);
  series.seconds.push(seconds);
  mean.push(value);
  min.push(value);
  max.push(value);
  count.push(1);
  if (at.length > MOST_POINTS) halve(series);
}

/** Removes what an earlier run had from an iteration on: one that resumes a snapshot does it once more. */
export function cutSeries(series: SeriesData, iteration: number): void {
  const found = series.at.findIndex((each) => each >= iteration);
  if (found < 0) return;
  for (const column of columnsOf(series)) column.length = found;
}

const columnsOf = ({ at, seconds, mean, min, max, count }: SeriesData) => [at, seconds, mean, min, max, count];

function halve(series: SeriesData): void {
  const { at, seconds, mean, min, max, count } = series;
  series.width *= 2;
  let to = -1;
  for (let i = 0; i < at.length; i++) {
    const isSame = to >= 0 && Math.floor(at[to]! / series.width) === Math.floor(at[i]! / series.width);
    if (isSame) {
      const all = count[to]! + count[i]!;
      mean[to] = (mean[to]! * count[to]! + mean[i]! * count[i]!) / all;
      min[to] = Math.min(min[to]!, min[i]!);
      max[to] = Math.max(max[to]!, max[i]!);
      count[to] = all;
    } else {
      to++;
      at[to] = at[i]!;
      mean[to] = mean[i]!;
      min[to] = min[i]!;
      max[to] = max[i]!;
      count[to] = count[i]!;
    }
    seconds[to] = seconds[i]!;
  }
  for (const column of columnsOf(series)) column.length = to + 1;
}
