import { stopSharedStacks } from './shared-stack';

export default stopSharedStacks;
