// What every driver in JavaScript does the same way.
export const { MODEL_URL, OTLP_URL } = process.env;
export const TURNS = JSON.parse(process.env.STORY);
export const AGENTS = { dispatcher: 'gpt-4o-mini', tracking_desk: 'gpt-4o', claims_desk: 'gpt-5-mini' };
const tell = (path, body) =>
  fetch(MODEL_URL + path, { method: 'POST', headers: { 'content-type': 'application/json' }, body: JSON.stringify(body) });
export const begin = (turn) => tell('/turn', { turn: turn.turn });
export const end = (answer, error) =>
  tell('/end', { answered: Boolean(answer), raised: error ? `${error.name}: ${error.message}`.slice(0, 200) : null });
export const TOOLS = {
  tracking_desk: {
    locate_parcel: ['Says where a parcel is.', ['parcel'], (a) => `${a.parcel} is in Leiden`],
    check_address: ['Says whether an address is served.', ['address'], (a) => `${a.address} is served`],
    redirect_parcel: ['Sends a parcel to another address.', ['parcel', 'address'], (a) => `${a.parcel} goes to ${a.address}`],
  },
  claims_desk: {
    open_claim: ['Opens a claim for a parcel.', ['parcel'], () => { throw new Error('claims ledger did not answer'); }],
    escalate_to_human: ['Asks a colleague to take over.', ['reason'], () => 'a colleague calls back'],
  },
};
