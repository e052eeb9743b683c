// MarlinLink
