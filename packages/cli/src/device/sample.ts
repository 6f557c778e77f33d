// Which objects the device of the shell has by default.

/** What the sample application of Zephyr has, and what every device should. */
export const sampleObjects: readonly number[] = [3, 4, 5, 6, 7, 3303, 3311, 3340];
