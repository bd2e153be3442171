/** The sources, read once for all parts that show a commit. */
import { syncs } from '../api/api';
import { Resource } from '../api/resource.svelte';
import type { Source } from '../api/types';

export const sources = new Resource<Source[]>((signal) => syncs.sources(signal));
export const sourceOf = (name: string | undefined): Source | undefined => sources.data?.find((source) => source.name === name);
