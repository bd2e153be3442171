mod gitea;
