// A user's own wallet: sends USDC by viem, knowing nothing of ours but the token and an address.
// node wallet.mjs RPC CHAIN_ID PRIVATE_KEY TOKEN TO MICRO

import { createWalletClient, defineChain, http, parseAbi } from "viem";
import { privateKeyToAccount } from "viem/accounts";

const [rpc, id, key, token, to, micro] = process.argv.slice(2);
const chain = defineChain({
  id: Number(id),
  name: "local",
  nativeCurrency: { name: "Ether", symbol: "ETH", decimals: 18 },
  rpcUrls: { default: { http: [rpc] } },
});
const wallet = createWalletClient({ account: privateKeyToAccount(key), chain, transport: http(rpc) });
const hash = await wallet.writeContract({
  address: token,
  abi: parseAbi(["function transfer(address to, uint256 amount) returns (bool)"]),
  functionName: "transfer",
  args: [to, BigInt(micro)],
});
process.stdout.write(hash);
