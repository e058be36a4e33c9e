export { game } from './game';
