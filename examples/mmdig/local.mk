# mmdig: a program that digs, on libmm. Sees only what a user of libmm sees: include/.
noinst_PROGRAMS += examples/mmdig/mmdig
examples_mmdig_mmdig_SOURCES = \
	examples/mmdig/bricks.c \
	examples/mmdig/crew.c \
	examples/mmdig/crew.h \
	examples/mmdig/dig.c \
	examples/mmdig/digcheck.c \
	examples/mmdig/digmain.c \
	examples/mmdig/digmath.h \
	examples/mmdig/digworld.h \
	examples/mmdig/distance.c \
	examples/mmdig/ground.h \
	examples/mmdig/mesh_ground.c \
	examples/mmdig/mesh_load.c \
	examples/mmdig/mesh_load.h \
	examples/mmdig/nets.c \
	examples/mmdig/octree.c \
	examples/mmdig/regions.c \
	examples/mmdig/store.h \
	examples/mmdig/store_malloc.c \
	examples/mmdig/store_mm.c \
	examples/mmdig/terrain.c
examples_mmdig_mmdig_CPPFLAGS = -D_GNU_SOURCE= -I$(top_srcdir)/include
examples_mmdig_mmdig_CFLAGS = $(AM_CFLAGS)
examples_mmdig_mmdig_LDADD = libmm.la -lm -lpthread
# Run where it is built: no script of libtool's in front of it.
examples_mmdig_mmdig_LDFLAGS = $(AM_LDFLAGS) -no-install
