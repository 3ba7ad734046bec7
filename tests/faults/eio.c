/* LD_PRELOAD shim: a disk that fails when a test says so.
 *
 * Files in the folder FAULT_FOLDER are watched. FAULT_CONTROL is a file of six ints that the test and this shim map:
 *   [0] errno of each write (0 = works)   [1] errno of each sync
 *   [2] writes that still work before [0] counts
 *   [3] writes that failed   [4] syncs that failed   [5] syncs that were tried after the first that failed
 */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

static volatile int *control;
static const char *folder;

__attribute__((constructor)) static void begin(void) {
  const char *path = getenv("FAULT_CONTROL");
  folder = getenv("FAULT_FOLDER");
  if (!path || !folder) return;
  int fd = open(path, O_RDWR | O_CLOEXEC);
  if (fd < 0) return;
  void *at = mmap(NULL, 6 * sizeof(int), PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
  close(fd);
  if (at != MAP_FAILED) control = at;
}

static int watched(int fd) {
  if (!control || (!control[0] && !control[1])) return 0;
  char link[64], path[4096];
  snprintf(link, sizeof link, "/proc/self/fd/%d", fd);
  ssize_t n = readlink(link, path, sizeof path - 1);
  if (n <= 0) return 0;
  path[n] = 0;
  return strncmp(path, folder, strlen(folder)) == 0 && path[strlen(folder)] == '/';
}

static int write_fails(int fd) {
  if (!watched(fd) || !control[0]) return 0;
  if (control[2] > 0) { control[2]--; return 0; }
  control[3]++;
  errno = control[0];
  return 1;
}

static int sync_fails(int fd) {
  if (!watched(fd) || !control[1]) return 0;
  if (control[4]) control[5]++;
  control[4]++;
  errno = control[1];
  return 1;
}

#define REAL(name) ((__typeof__(&name))dlsym(RTLD_NEXT, #name))

ssize_t write(int fd, const void *b, size_t n) { return write_fails(fd) ? -1 : REAL(write)(fd, b, n); }
ssize_t pwrite(int fd, const void *b, size_t n, off_t o) { return write_fails(fd) ? -1 : REAL(pwrite)(fd, b, n, o); }
ssize_t pwrite64(int fd, const void *b, size_t n, off64_t o) { return write_fails(fd) ? -1 : REAL(pwrite64)(fd, b, n, o); }
int ftruncate(int fd, off_t n) { return write_fails(fd) ? -1 : REAL(ftruncate)(fd, n); }
int ftruncate64(int fd, off64_t n) { return write_fails(fd) ? -1 : REAL(ftruncate64)(fd, n); }
int fsync(int fd) { return sync_fails(fd) ? -1 : REAL(fsync)(fd); }
int fdatasync(int fd) { return sync_fails(fd) ? -1 : REAL(fdatasync)(fd); }
