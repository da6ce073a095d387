//! How values are shown: numbers, money, times. Display only, never arithmetic on money.
