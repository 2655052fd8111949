/* Lists a folder and asks for the status of each name in it: what no listing of an inbox can leave
   out. Prints how many there were. */
#include <dirent.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>

int main(int count, char **words) {
  DIR *folder = count == 2 ? opendir(words[1]) : NULL;
  if (folder == NULL) {
    perror("plain_stat FOLDER");
    return 1;
  }
  long found = 0;
  struct dirent *entry;
  struct stat status;
  while ((entry = readdir(folder)) != NULL) {
    if (fstatat(dirfd(folder), entry->d_name, &status, AT_SYMLINK_NOFOLLOW) == 0) found++;
  }
  printf("%ld\n", found);
  return 0;
}
