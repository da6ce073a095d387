//! Market data adapters: synthetic, replay and Binance public REST.
