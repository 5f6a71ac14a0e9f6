# symbol
