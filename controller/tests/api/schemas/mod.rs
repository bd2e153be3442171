mod name;
